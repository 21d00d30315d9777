"""A home: where it lies and what preparing it writes."""

import os

import pytest

from resources.store.home import REPOSITORY, Home
from ringrift.errors import InvalidInput, MissingInput


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


@pytest.mark.parametrize("name", ["file", "file/below", "loop", "~nobody-of-this-name/x", "x" * 300])
def test_what_can_be_no_folder_is_refused_by_the_name_of_the_variable(tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("RINGRIFT_HOME", name if name.startswith("~") else str(tmp_path / name))
    with pytest.raises(InvalidInput, match="RINGRIFT_HOME"):
        Home().prepare()


def test_a_home_in_which_nothing_can_be_written_is_refused(tmp_path, monkeypatch):
    home = Home(tmp_path / "home").prepare()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(InvalidInput, match=r"RINGRIFT_HOME: .* name a folder that can be written"):
        home.prepare()
