"""services/hub/kept_database.py and storage/restore_hub.py: the hub's database leaves for the backup and comes back."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from services.hub.kept_database import COPY, RESTORED, KeptDatabase, NoAnswerError
from storage import restore_hub
from storage.restic import BackupError


def write(database: Path, *people: str) -> None:
    """A database with these people."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE people (name TEXT)")
        connection.executemany("INSERT INTO people VALUES (?)", [(name,) for name in people])


def people(database: Path) -> list[str]:
    """Who is in it."""
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM people")]


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the hub has its database; there is none yet."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "jupyterhub.sqlite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The place beside the homes."""
    (tmp_path / "hub").mkdir()
    return tmp_path / "hub"


@pytest.fixture
def kept(database: Path, folder: Path) -> KeptDatabase:
    """The database with its place for a copy."""
    return KeptDatabase(database, folder)


def test_a_copy_is_whole_though_the_database_is_in_use(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(database, "ada")
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("INSERT INTO people VALUES ('not yet')")
        kept.keep()
        other.rollback()
    assert people(folder / COPY) == ["ada"]
    assert (folder / COPY).stat().st_mode & 0o777 == 0o600
    assert names(folder) == [COPY]
    assert names(database.parent) == [database.name]


def test_a_copy_replaces_the_one_before(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(database, "ada")
    kept.keep()
    database.unlink()
    write(database, "ada", "bob")
    kept.keep()
    assert people(folder / COPY) == ["ada", "bob"]


def test_without_a_database_no_empty_copy_replaces_a_good_one(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(folder / COPY, "ada")
    with pytest.raises(sqlite3.OperationalError):
        kept.keep()
    assert people(folder / COPY) == ["ada"]
    assert not database.exists()


def test_a_hub_that_lost_its_volume_takes_the_copy(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(folder / COPY, "ada")
    kept.take_back()
    assert people(database) == people(folder / COPY) == ["ada"]


def test_a_hub_with_a_database_takes_no_copy(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(folder / COPY, "ada")
    write(database, "ada", "bob")
    kept.take_back()
    assert people(database) == ["ada", "bob"]


def test_a_restored_one_takes_the_place_once_and_the_other_stays(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(database, "bob")
    write(folder / RESTORED, "ada")
    database.with_name("jupyterhub.sqlite-journal").write_bytes(b"of the other database")
    kept.take_back()
    kept.take_back()
    assert people(database) == ["ada"]
    assert people(database.with_name("jupyterhub.sqlite.before")) == ["bob"]
    assert not (folder / RESTORED).exists()


def test_a_first_start_finds_nothing_and_goes_on(kept: KeptDatabase, database: Path) -> None:
    kept.take_back()
    assert not database.exists()


@pytest.fixture
def silent(kept: KeptDatabase, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> KeptDatabase:
    """The same with a storage that does not answer."""
    made = KeptDatabase(database, folder, answer_s=0.05)
    monkeypatch.setattr(made, "_fetch", threading.Event().wait)
    return made


def test_a_hub_without_a_database_waits_for_the_storage(silent: KeptDatabase) -> None:
    with pytest.raises(NoAnswerError, match=r"cannot be seen \(no answer within 0 s\). It starts once the storage"):
        silent.take_back()


def test_an_error_of_the_storage_is_no_answer_either(kept: KeptDatabase, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("services.hub.kept_database._is_there", fail)
    with pytest.raises(NoAnswerError, match="Stale file handle"):
        kept.take_back()
    assert not database.exists()


def test_a_hub_with_a_database_starts_without_the_storage(silent: KeptDatabase, database: Path) -> None:
    write(database, "ada")
    silent.take_back()
    assert people(database) == ["ada"]


def test_copies_are_made_again_and_again_whatever_goes_wrong(
    kept: KeptDatabase, database: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def hub() -> None:
        task = asyncio.create_task(kept.keep_on(first_s=0, every_s=0.01))
        while not caplog.records:
            await asyncio.sleep(0.01)
        write(database, "ada")
        while not (folder / COPY).exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(hub(), 30))
    assert "No copy of the hub's database could be made" in caplog.text


@pytest.fixture
def snapshot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a snapshot holds, which the restore copies from."""
    held = folder.parent / "snapshot"
    held.mkdir()

    def inside(name: str, source: str, target: Path) -> None:
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
    assert restore_hub.restore("bbbb", folder.parent) == folder / RESTORED
    assert names(folder) == [RESTORED]
    kept.take_back()
    assert people(database) == ["ada"]


def test_a_snapshot_without_a_database_is_told(snapshot: Path, folder: Path) -> None:
    with pytest.raises(BackupError, match="snapshot bbbb holds no database of the hub"):
        restore_hub.restore("bbbb", folder.parent)
    assert names(folder) == []


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_database_is_not_given_to_the_hub(snapshot: Path, folder: Path, content: bytes) -> None:
    (snapshot / COPY).write_bytes(content)
    with pytest.raises(BackupError, match="is damaged"):
        restore_hub.restore("bbbb", folder.parent)
    assert names(folder) == []
