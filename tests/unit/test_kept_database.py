"""services/hub/kept_database.py: copies of the hub's database beside the homes."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from services.hub.kept_database import COPY, KeptDatabase
from tests.unit.databases import names, people, write

pytest_plugins = ["tests.unit.databases"]


def test_a_copy_is_whole_though_the_database_is_in_use(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(database, "ada")
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("INSERT INTO people VALUES ('not yet')")
        kept.keep()
        other.rollback()
    assert people(folder / COPY) == ["ada"]
    assert (folder / COPY).stat().st_mode & 0o777 == 0o600
    assert names(folder) == [COPY]
    assert names(database.parent) == [f"{database.name}{suffix}" for suffix in ("", ".kept", ".lock")]


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


def test_a_copy_that_this_hub_has_not_made_is_kept_beside_its_own(
    kept: KeptDatabase, database: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(database, "admin")  # with a volume of its own, while the storage with the copy was another one or away
    write(folder / COPY, "ada", "bob")
    kept.keep()
    kept.keep()
    aside, own = names(folder)
    assert (people(folder / own), people(folder / aside)) == (["admin"], ["ada", "bob"])
    assert aside in caplog.text
    (folder / aside).replace(folder / own)  # by a person, while the hub runs
    kept.keep()
    assert people(folder / names(folder)[0]) == ["ada", "bob"]


def test_a_hub_that_took_the_copy_goes_on_with_it(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(folder / COPY, "ada")
    kept.take_back()
    kept.keep()
    assert names(folder) == [COPY]


def test_a_damaged_database_replaces_no_good_copy(kept: KeptDatabase, database: Path, folder: Path) -> None:
    write(database, *("x" * 1000 for _ in range(50)))
    kept.keep()
    with database.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(4096))
    with pytest.raises(sqlite3.DatabaseError):
        kept.keep()
    assert len(people(folder / COPY)) == 50


class HalfWay:
    """Copies to the storage stop half way, each until it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stopped, self._let = threading.Semaphore(0), [threading.Event(), threading.Event()]
        waiting = iter(self._let)

        def copy(source: Any, target: Any) -> None:
            content = source.read()
            target.write(content[: len(content) // 2])
            target.flush()
            self.stopped.release()
            next(waiting).wait(30)
            target.write(content[len(content) // 2 :])

        monkeypatch.setattr(shutil, "copyfileobj", copy)

    def let(self, number: int) -> None:
        self._let[number].set()


def test_two_runs_at_once_leave_no_half_copy(
    kept: KeptDatabase, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, *("x" * 1000 for _ in range(50)))
    half_way, failed = HalfWay(monkeypatch), []

    def run() -> None:
        try:
            kept.keep()
        except BlockingIOError as error:
            failed.append(error)
            half_way.stopped.release()

    runs = [threading.Thread(target=run) for _ in range(2)]
    for thread in runs:
        thread.start()
        assert half_way.stopped.acquire(timeout=30)
    half_way.let(0)
    runs[0].join(30)
    assert len(people(folder / COPY)) == 50
    half_way.let(1)
    runs[1].join(30)
    assert len(failed) == 1


def test_copies_are_made_again_and_again_whatever_goes_wrong(
    kept: KeptDatabase, database: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def hub() -> None:
        task = asyncio.create_task(kept.keep_on(first_s=0, every_s=0.01, again_s=0.01))
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
