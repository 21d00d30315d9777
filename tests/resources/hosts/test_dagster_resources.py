"""The hosts as Dagster resources."""

from resources.hosts.dagster_resources import host_resources


def test_a_hosts_file_that_is_wrong_is_shown_and_keeps_no_graph_from_loading(tmp_path, monkeypatch):
    (tmp_path / "hosts.yaml").write_text("hosts: {a: {rol: all}}")
    monkeypatch.setenv("RINGRIFT_HOSTS", str(tmp_path / "hosts.yaml"))
    assert "did you mean role?" in host_resources()["local"].problem
