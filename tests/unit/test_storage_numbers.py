"""The numbers of projects that storage/quotas.py gives: one for each home, kept for ever, never one that somebody else has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.fake_quota import Volume


def test_on_a_new_node_the_homes_keep_their_projects(volume: Volume) -> None:
    volume.request("ada", "grace")
    volume.run()
    projects = {home: volume.project(home) for home in volume.homes()}
    for name in ("projects", "projid"):
        (volume.places.etc / name).unlink()
    assert volume.run() == []
    assert {home: volume.project(home) for home in volume.homes()} == projects
    volume.check("ada", "grace")


def test_two_homes_with_one_project_are_parted(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    (volume.places.users / "copy").mkdir()
    volume.kernel.tag(volume.places.users / "copy", volume.project("ada"))
    assert volume.run() == []
    volume.check("ada", "copy")


def test_a_number_that_others_use_is_never_given_away(volume: Volume) -> None:
    (volume.places.etc / "projects").write_text("1001:/srv/other\n")
    (volume.places.etc / "projid").write_text("other:1001\nmore:1002\n")
    volume.request("ada")
    assert volume.run() == []
    assert volume.project("ada") == 1003
    assert (volume.places.etc / "projects").read_text().splitlines()[0] == "1001:/srv/other"
    assert (volume.places.etc / "projid").read_text().splitlines()[:2] == ["other:1001", "more:1002"]


def test_a_number_that_holds_anything_is_given_to_nobody_wherever_its_home_was_moved(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    number = volume.project("ada")
    archive = volume.places.root / "archive"
    archive.mkdir()
    (volume.places.users / "ada").rename(archive / "ada")
    volume.xfs["used"] = {str(number): 51200}
    volume.request("ada", "bob")  # another of that name: the list of names still has the number
    assert volume.run() == []
    assert number not in (volume.project("ada"), volume.project("bob"))
    volume.check("ada", "bob")


def test_the_number_of_a_home_that_cannot_be_looked_at_is_given_to_nobody(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume.run()
    volume.request("ada", "bob")
    volume.run()
    bobs, look = volume.project("bob"), volume.kernel.project_of

    def failing(path: Path) -> int:
        if path.name == "bob":
            raise OSError(5, "Input/output error")
        return look(path)

    with monkeypatch.context() as bad:
        bad.setattr(volume.kernel, "project_of", failing)
        volume.request("eve")
        assert volume.run() == [f"{volume.places.users}/bob cannot be looked at: Input/output error"]
    assert volume.project("eve") != bobs
    assert volume.run() == []
    assert volume.project("bob") == bobs
