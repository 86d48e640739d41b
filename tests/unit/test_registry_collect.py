"""images/registry/collect.py: of the registry's manifests, those go that nothing names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from images.registry.collect import collect

DAY_S = 86400.0


class Folder:
    """The registry's folder, as distribution 2.8 keeps it."""

    def __init__(self, images: Path) -> None:
        self.images, self._root = images, images / "docker" / "registry" / "v2"

    def put(self, text: str, tag: str = "", name: str = "team/lab", days_old: float = 7) -> str:
        """Store a manifest, with a tag or without; returns its digest."""
        digits = hashlib.sha256(text.encode()).hexdigest()
        self.blob(digits).parent.mkdir(parents=True, exist_ok=True)
        self.blob(digits).write_text(text)
        manifests = self._root / "repositories" / name / "_manifests"
        link = manifests / "revisions" / "sha256" / digits / "link"
        places = [link]
        if tag:
            places += [manifests / "tags" / tag / place / "link" for place in ("current", f"index/sha256/{digits}")]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"sha256:{digits}")
        os.utime(link, (time.time() - days_old * DAY_S,) * 2)
        return f"sha256:{digits}"

    def blob(self, digits: str) -> Path:
        return self._root / "blobs" / "sha256" / digits[:2] / digits / "data"

    def here(self, name: str = "team/lab") -> set[str]:
        """The digests that the registry's own collector takes for used."""
        revisions = self._root / "repositories" / name / "_manifests" / "revisions" / "sha256"
        return {f"sha256:{folder.name}" for folder in revisions.iterdir()}

    def remove(self, digest: str) -> None:
        """As an earlier version's collection did."""
        digits = digest.partition(":")[2]
        shutil.rmtree(self.blob(digits).parent)
        shutil.rmtree(self._root / "repositories" / "team/lab" / "_manifests" / "revisions" / "sha256" / digits)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def plain(content: str) -> str:
    """A manifest of one image."""
    return json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:c0"}, "layers": [{"digest": content}]})


def index(*digests: str) -> str:
    """A manifest of several."""
    return json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest} for digest in digests]})


def test_what_a_tag_reaches_through_indexes_stays_and_what_was_pushed_over_goes(folder: Folder) -> None:
    deep, image = folder.put(plain("deep")), folder.put(plain("image"))
    kept = {deep, image, inner := folder.put(index(deep)), folder.put(index(inner, image), "latest")}
    over = folder.put(plain("over"), "moved")
    kept.add(folder.put(plain("now"), "moved"))
    assert collect(folder.images, DAY_S) == 1
    assert folder.here() == kept
    assert not list(folder.images.rglob(f"index/sha256/{over.partition(':')[2]}"))
    assert collect(folder.images, DAY_S) == 0


def test_what_came_within_the_grace_stays_since_its_index_may_follow(folder: Folder) -> None:
    young = folder.put(plain("young"), days_old=0.5)
    folder.put(plain("old"))
    assert collect(folder.images, DAY_S) == 1
    assert folder.here() == {young}


def test_each_repository_has_its_own_tags(folder: Folder) -> None:
    folder.put(plain("same"), "latest", name="a")
    folder.put(plain("same"), name="a/b")
    assert collect(folder.images, DAY_S) == 1
    assert (len(folder.here("a")), folder.here("a/b")) == (1, set())


@pytest.mark.parametrize("text", ["", "[1]", '{"manifests": 1}', '{"manifests": [1]}', '{"manifests": [{}]}'])
def test_of_a_repository_with_a_manifest_that_cannot_be_read_nothing_goes(
    folder: Folder, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.put(text, "damaged")
    folder.put(plain("untagged"))
    folder.put(plain("other"), name="other")
    assert collect(folder.images, DAY_S) == 1
    assert len(folder.here()) == 2
    assert "registry: nothing of team/lab is deleted, since a manifest of it cannot be read" in capsys.readouterr().out


def test_an_index_whose_images_an_earlier_version_deleted_is_named(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    lost, whole = folder.put(plain("lost")), folder.put(plain("whole"), "whole")
    broken = folder.put(index(lost), "broken")
    folder.remove(lost)
    assert collect(folder.images, DAY_S) == 0
    assert folder.here() == {broken, whole}
    assert capsys.readouterr().out == "registry: team/lab:broken is not whole, and no new node can have it: push it again\n"


def test_a_manifest_whose_text_is_gone_does_not_stop_the_collector(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.blob(folder.put(plain("gone"), "latest", days_old=0).partition(":")[2]).unlink()
    assert collect(folder.images, DAY_S) == 1
    assert folder.here() == set()
    assert "team/lab:latest is not whole" in capsys.readouterr().out


def test_a_tag_of_a_push_that_was_broken_off_and_an_empty_registry_are_no_fault(folder: Folder) -> None:
    assert collect(folder.images, DAY_S) == 0
    folder.put(plain("image"), "latest")
    (folder.images / "docker/registry/v2/repositories/team/lab/_manifests/tags/half").mkdir()
    assert collect(folder.images, DAY_S) == 0
