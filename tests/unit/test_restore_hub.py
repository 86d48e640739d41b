"""storage/restore_hub.py: the hub's database comes back from a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.hub.kept_database import COPY, RESTORED, KeptDatabase
from storage import restore_hub
from storage.restic import BackupError, Restic
from tests.unit.databases import names, people, write

RESTIC = Restic.__new__(Restic)  # not asked for anything here
pytest_plugins = ["tests.unit.databases"]


@pytest.fixture
def snapshot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a snapshot holds, which the restore copies from."""
    held = folder.parent / "snapshot"
    held.mkdir()

    def inside(_: Restic, name: str, source: str, target: Path) -> None:
        assert (name, source) == ("bbbb", str(folder))
        for file in held.iterdir():
            (target / file.name).write_bytes(file.read_bytes())

    monkeypatch.setattr(restore_hub, "restore_inside", inside)
    monkeypatch.setattr("os.chown", lambda *_: None)
    return held


def test_a_restore_puts_the_database_where_the_hub_takes_it(
    snapshot: Path, kept: KeptDatabase, database: Path, folder: Path
) -> None:
    write(snapshot / COPY, "ada")
    write(database, "bob")
    assert restore_hub.restore(RESTIC, "bbbb", folder.parent) == folder / RESTORED
    assert names(folder) == [RESTORED]
    kept.take_back()
    assert people(database) == ["ada"]


def test_a_snapshot_without_a_database_is_told(snapshot: Path, folder: Path) -> None:
    with pytest.raises(BackupError, match="snapshot bbbb holds no database of the hub"):
        restore_hub.restore(RESTIC, "bbbb", folder.parent)
    assert names(folder) == []


def test_a_full_volume_is_told_with_what_to_do(snapshot: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(BackupError, match=r"hub\.restored\.sqlite cannot be put .* \(No space left on device\)"):
        restore_hub.restore(RESTIC, "bbbb", folder.parent)


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_database_is_not_given_to_the_hub(snapshot: Path, folder: Path, content: bytes) -> None:
    (snapshot / COPY).write_bytes(content)
    with pytest.raises(BackupError, match="is damaged"):
        restore_hub.restore(RESTIC, "bbbb", folder.parent)
    assert names(folder) == []
