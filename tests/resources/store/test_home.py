"""A home: where it lies and what preparing it writes."""

import pytest

from resources.store.home import REPOSITORY, Home
from ringrift.errors import MissingInput


def test_a_home_is_absolute_whatever_the_folder_it_was_named_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGRIFT_HOME", "here")
    assert Home().root == tmp_path / "here"
    monkeypatch.delenv("RINGRIFT_HOME")
    assert Home().root == tmp_path / "var"


def test_preparing_a_home_writes_the_checked_in_instance_file_and_mends_a_changed_copy(tmp_path):
    home = Home(tmp_path).prepare()
    source = REPOSITORY / "config" / "dagster.yaml"
    copy = home.dagster / "dagster.yaml"
    copy.write_text("changed: by hand")
    home.prepare()
    assert copy.read_bytes() == source.read_bytes()
    with pytest.raises(MissingInput, match=r"restore config/dagster.yaml"):
        home.prepare(tmp_path / "nowhere.yaml")
