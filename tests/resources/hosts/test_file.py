"""The hosts file: what is understood, and the one message that says all that is wrong."""

from pathlib import Path

import pytest

from resources.hosts.file import HostsInvalid, load_hosts, profile_hosts
from resources.hosts.host import CAPABILITIES, LOCAL, ROLES, Host, NoEligibleHost, eligible
from resources.store.home import REPOSITORY
from ringrift.errors import InvalidInput, MissingInput


def load(tmp_path: Path, text: str) -> list[Host]:
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    return load_hosts(path)


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises((HostsInvalid, InvalidInput)) as caught:
        load(tmp_path, text)
    assert "hosts.yaml" in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_the_shipped_file_is_this_machine_alone():
    assert load_hosts(REPOSITORY / "config" / "distributed_hosts.yaml") == [LOCAL]
    assert LOCAL.is_local and LOCAL.allows == CAPABILITIES


def test_the_example_file_loads_and_has_every_class_and_field():
    hosts = load_hosts(REPOSITORY / "config" / "distributed_hosts.example.yaml")
    assert {host.host_class for host in hosts} == {"local", "mac_cluster", "aws", "lambda_labs", "vast_ai"}
    text = (REPOSITORY / "config" / "distributed_hosts.example.yaml").read_text()
    fields = {"class" if name == "declared_class" else name for name in Host.model_fields} - {"name"}
    assert [field for field in fields if field not in text] == []
    assert [role for role in ROLES if role not in text] == []


def test_the_documented_fields_are_understood(tmp_path):
    [host] = load(
        tmp_path,
        """
hosts:
  vast-5090-quad:
    ssh_host: 'root@203.0.113.2'
    ssh_port: 45875
    ringrift_path: '~/ringrift'
    memory_gb: 1024
    gpu: '4x RTX 5090 (128GB)'
    role: 'nn_training_primary'
    status: 'ready'
""",
    )
    assert (host.ssh_user, host.ssh_host, host.address) == ("root", "203.0.113.2", "203.0.113.2")
    assert host.host_class == "vast_ai" and host.allows == ("nn_training",) and not host.is_local


DOCUMENTED = """
hosts:
  mac-studio:
    ssh_host: '192.0.2.10' # Tailscale IP
    ssh_user: 'ringrift'
    ssh_key: '{folder}/id_cluster'
    ringrift_path: '~/Development/RingRift'
    memory_gb: 96
    gpu: 'M3 Max/Ultra (MPS)'
    role: 'nn_training_mps'
    status: 'ready'

  aws-staging:
    ssh_host: '198.51.100.20'
    ssh_user: 'ubuntu'
    ssh_key: '{folder}/ringrift-staging-key.pem'
    ringrift_path: '/home/ubuntu/ringrift'
    memory_gb: 128
    role: 'selfplay_cmaes'
    status: 'ready'

  lambda-h100:
    ssh_host: '203.0.113.30'
    ssh_user: 'ubuntu'
    ringrift_path: '~/ringrift'
    memory_gb: 256
    gpu: 'NVIDIA H100 (80GB)'
    role: 'nn_training_primary'
    status: 'ready'

  vast-5090-quad:
    ssh_host: '203.0.113.40'
    ssh_port: 45875
    ssh_user: 'root'
    ringrift_path: '~/ringrift'
    memory_gb: 1024
    gpu: '4x RTX 5090 (128GB)'
    role: 'nn_training_primary'
    status: 'ready'
"""


def test_the_documented_example_loads_as_it_stands_and_hosts_without_their_key_are_not_eligible(tmp_path):
    (tmp_path / "id_cluster").touch()
    hosts = load(tmp_path, DOCUMENTED.format(folder=tmp_path))
    assert {host.name: host.host_class for host in hosts} == {
        "mac-studio": "mac_cluster",
        "aws-staging": "aws",
        "lambda-h100": "lambda_labs",
        "vast-5090-quad": "vast_ai",
    }
    names = [host.name for host in eligible(hosts, "nn_training")]
    assert names == ["mac-studio", "lambda-h100", "vast-5090-quad"]
    with pytest.raises(NoEligibleHost, match=r"aws-staging: its ssh_key .*staging-key.pem does not exist here"):
        eligible(hosts, "selfplay")


@pytest.mark.parametrize(
    ("name", "fields", "klass"),
    [
        ("box", "", "local"),
        ("box", "ssh_host: 127.0.0.1", "local"),
        ("box", "ssh_host: localhost", "local"),
        ("mac-studio", "ssh_host: 192.0.2.1", "mac_cluster"),
        ("aws_1", "ssh_host: 192.0.2.1", "aws"),
        ("lambda-h100", "ssh_host: 192.0.2.1", "lambda_labs"),
        ("box", "{ssh_host: 192.0.2.1, class: aws}", "aws"),
        ("mac-1", "{tailscale_ip: 192.0.2.9}", "mac_cluster"),
    ],
)
def test_the_class_is_the_stated_one_or_follows_from_name_and_address(tmp_path, name, fields, klass):
    [host] = load(tmp_path, f"hosts:\n  {name}:\n    {fields or '{}'}\n")
    assert host.host_class == klass


def test_the_tailscale_address_is_preferred(tmp_path):
    [host] = load(tmp_path, "hosts: {mac-1: {ssh_host: 192.0.2.1, tailscale_ip: 192.0.2.9}}")
    assert host.address == "192.0.2.9"


def test_every_fault_is_told_at_once_with_host_field_and_what_is_allowed(tmp_path):
    text = message(
        tmp_path,
        """
hosts:
  mac-1: {ssh_hots: x, role: gpu, status: up}
  aws-1: {ssh_port: 99999, capabilities: [fly]}
  box: {ssh_host: 192.0.2.9}
""",
    )
    assert "mac-1.ssh_hots: unknown field; did you mean ssh_host?" in text
    assert "mac-1.role: 'gpu' is not allowed" in text and "selfplay_cmaes" in text
    assert "mac-1.status: 'up' is not allowed" in text and "maintenance" in text
    assert "aws-1.ssh_port: 99999 is not allowed" in text
    assert "aws-1.capabilities: 'fly' is not allowed" in text and "nn_training" in text
    assert "box.class" in text and "mac_cluster" in text


def test_a_field_that_resembles_none_is_answered_with_the_list(tmp_path):
    assert "zzz: unknown field; known are ssh_host" in message(tmp_path, "hosts: {a: {zzz: 1}}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: {}", "write one key, hosts"),
        ("hosts: [a]", "write one key, hosts"),
        ("hosts: {a: {}}\nmore: 1", "write one key, hosts"),
        ("hosts: {a: 3}", "a mapping of field to value"),
        ("hosts: {a: {name: b}}", "the name is the key"),
        ("hosts:\n  a: {}\n  a: {}", "duplicate key 'a'"),
        ("hosts: {'../x': {}}", "name"),
        ("hosts: [", "is not valid YAML"),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path, text, words):
    assert words in message(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingInput, match=r"nowhere.yaml"):
        load_hosts(tmp_path / "nowhere.yaml")


def test_the_file_can_be_named_by_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("hosts: {mine: {}}")
    monkeypatch.setenv("RINGRIFT_HOSTS", str(path))
    assert [host.name for host in load_hosts()] == ["mine"]


def test_every_documented_role_maps_to_capabilities(tmp_path):
    assert ROLES["selfplay_cmaes"] == ("selfplay", "cmaes") and ROLES["mixed"] == CAPABILITIES
    for role, capabilities in ROLES.items():
        [host] = load(tmp_path, f"hosts: {{aws-1: {{ssh_host: 192.0.2.1, role: {role}}}}}")
        assert host.allows == capabilities
    [host] = load(tmp_path, "hosts: {aws-1: {ssh_host: 192.0.2.1, role: cmaes, capabilities: [selfplay]}}")
    assert host.allows == ("selfplay",)


def test_when_no_host_may_take_a_job_each_is_listed_with_its_reason(tmp_path):
    hosts = load(
        tmp_path,
        f"""
hosts:
  aws-1: {{ssh_host: 192.0.2.1, role: nn_training}}
  aws-2: {{ssh_host: 192.0.2.1, role: selfplay, status: maintenance, note: back on Monday}}
  aws-3: {{ssh_host: 192.0.2.1, role: selfplay, memory_gb: 4}}
  aws-4: {{ssh_host: 192.0.2.1, role: selfplay, ssh_key: {tmp_path}/no_key}}
  aws-5: {{ssh_host: 192.0.2.1}}
""",
    )
    with pytest.raises(NoEligibleHost) as caught:
        eligible(hosts, "selfplay", memory_gb=8)
    text = str(caught.value)
    assert text.startswith("no eligible host for selfplay because aws-1: ")
    assert "aws-1: it may do nn_training (role nn_training), not selfplay" in text
    assert "aws-2: status is maintenance (back on Monday)" in text
    assert "aws-3: it has 4 GB of memory, the job needs 8" in text
    assert "aws-4: its ssh_key" in text and "does not exist here" in text
    assert "aws-5: it may do nothing (role not set), not selfplay" in text
    with pytest.raises(NoEligibleHost, match="only local hosts are in use"):
        eligible(hosts[2:3], "selfplay", remote=False)


def test_the_profiles_file_is_for_the_other_machines_that_play(tmp_path):
    hosts = load(
        tmp_path,
        """
hosts:
  local: {role: all}
  aws-1: {ssh_host: 192.0.2.1, role: selfplay_cmaes}
  aws-2: {ssh_host: 192.0.2.2, role: selfplay, status: maintenance}
  lambda-1: {ssh_host: 192.0.2.3, role: nn_training}
""",
    )
    assert [host.name for host in profile_hosts(hosts)] == ["aws-1"]


def test_fields_of_other_programs_are_told_what_stands_for_them_and_the_class_in_the_same_message(tmp_path):
    text = message(
        tmp_path,
        """
hosts:
  lambda-one: {ssh_host: u@192.0.2.1, venv_activate: source x/bin/activate}
  box: {ssh_host: u@192.0.2.2, ssh_port: true, role: selfplay}
  server: {ssh_host: u@192.0.2.3}
""",
    )
    assert (
        "lambda-one.venv_activate: this field is not used here; name the interpreter of the host with python_path"
        in text
    )
    assert "box.ssh_port: True is not allowed" in text and "box.class" in text and "server.class" in text


@pytest.mark.parametrize(
    "field",
    ["ssh_port: true", "ssh_port: '22'", "cpus: 2.5", "memory_gb: true", "memory_gb: .inf", "memory_gb: .nan",
     "max_parallel_jobs: true", "max_parallel_jobs: '3'", "gpu_vram_gb: '80'", "cpus: 4.0", "ssh_user: '-l x'"],
)  # fmt: skip
def test_numbers_are_numbers_of_their_kind(tmp_path, field):
    assert f"aws-1.{field.partition(':')[0]}: " in message(tmp_path, f"hosts: {{aws-1: {{ssh_host: a, {field}}}}}")


def test_a_refused_file_is_a_refusal_of_input():
    assert issubclass(HostsInvalid, InvalidInput), "the command ends with code 2"
