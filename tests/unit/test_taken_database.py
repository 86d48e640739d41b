"""services/hub/kept_database.py: the hub's database comes back from beside the homes."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.hub import kept_database
from services.hub.given_up import NoAnswerError
from services.hub.kept_database import COPY, EXPIRES_S, RESTORED, KeptDatabase
from tests.unit.databases import names, people, write

pytest_plugins = ["tests.unit.databases"]


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
    kept.take_back()
    kept.take_back()
    assert people(database) == ["ada"]
    assert people(database.with_name("jupyterhub.sqlite.before")) == ["bob"]
    assert not (folder / RESTORED).exists()


def test_a_first_start_finds_nothing_and_goes_on(kept: KeptDatabase, database: Path) -> None:
    kept.take_back()
    assert not database.exists()


class Late:
    """A storage that answers the look at one of its files only when it is let."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._let, look = threading.Event(), Path.stat
        self._others = set(threading.enumerate())

        def stat(path: Path, **options: Any) -> Any:
            if path == file:
                self._let.wait()
            return look(path, **options)

        monkeypatch.setattr(Path, "stat", stat)

    def answer(self) -> None:
        """Let it, and wait until all that waited for it has ended."""
        self._let.set()
        for thread in set(threading.enumerate()) - self._others:
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def late(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Late:
    """A storage that is late with the restored database."""
    return Late(folder / RESTORED, monkeypatch)


def test_a_storage_that_answers_late_changes_nothing_under_the_hub_that_runs(database: Path, folder: Path, late: Late) -> None:
    write(database, "ada", "bob")
    write(folder / RESTORED, "ada")
    KeptDatabase(database, folder, answer_s=0.05).take_back()
    with closing(sqlite3.connect(database)) as hub:
        hub.execute("INSERT INTO people VALUES ('eve')")
        hub.commit()
        late.answer()
        hub.execute("INSERT INTO people VALUES ('zoe')")
        hub.commit()
    assert people(database) == ["ada", "bob", "eve", "zoe"]
    assert names(database.parent) == [database.name]
    assert names(folder) == [RESTORED]


def test_what_a_late_storage_and_a_hub_that_was_killed_left_is_no_database(database: Path, folder: Path, late: Late) -> None:
    write(folder / COPY, "ada")
    database.with_name(f"{database.name}.fetched-0a1b").touch()
    with pytest.raises(NoAnswerError, match=r"cannot be seen \(no answer within 0 s\). It starts once the storage"):
        KeptDatabase(database, folder, answer_s=0.05).take_back()
    late.answer()
    assert names(database.parent) == []
    KeptDatabase(database, folder).take_back()
    assert people(database) == ["ada"]


def test_a_folder_without_the_storage_in_it_says_nothing_of_copies(database: Path, tmp_path: Path) -> None:
    away = KeptDatabase(database, tmp_path / "homes" / "hub")
    (tmp_path / "homes").mkdir()
    with pytest.raises(NoAnswerError, match="it is not mounted"):
        away.take_back()
    write(database, "ada")
    away.take_back()
    with pytest.raises(OSError, match="it is not mounted"):
        away.keep()
    assert names(tmp_path / "homes") == []
    assert people(database) == ["ada"]


def test_an_error_of_the_storage_is_no_answer_either(kept: KeptDatabase, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("services.hub.kept_database.require", fail)
    with pytest.raises(NoAnswerError, match="Stale file handle"):
        kept.take_back()
    assert not database.exists()


IN_THE_MIDDLE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("UPDATE people SET name = 'nobody'")
os._exit(9)
"""


def test_what_a_restored_one_replaces_stays_as_its_last_transaction_left_it(
    kept: KeptDatabase, database: Path, folder: Path
) -> None:
    write(database, *["bob" * 300] * 200)  # more than fits in memory, so that half of the change is in the file
    subprocess.run([sys.executable, "-c", IN_THE_MIDDLE, str(database)], check=False)
    assert database.with_name(f"{database.name}-journal").exists()
    write(folder / RESTORED, "ada")
    kept.take_back()
    assert people(database) == ["ada"]
    assert people(database.with_name("jupyterhub.sqlite.before")) == ["bob" * 300] * 200


def test_one_that_is_damaged_is_replaced_too_and_stays_as_it_is(kept: KeptDatabase, database: Path, folder: Path) -> None:
    database.write_bytes(b"SQLite format 3\0" + bytes(4096))
    write(folder / RESTORED, "ada")
    kept.take_back()
    assert people(database) == ["ada"]
    assert database.with_name(f"{database.name}.before").stat().st_size == 4112


def test_a_restored_one_that_is_found_later_replaces_nothing(
    kept: KeptDatabase, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(database, "ada", "bob")
    write(folder / RESTORED, "ada")
    later = time.time() + EXPIRES_S + 60
    monkeypatch.setattr("time.time", lambda: later)
    kept.take_back()
    assert people(database) == ["ada", "bob"]
    assert "is 1 h old and not taken: run `make restore-hub` again" in caplog.text
    database.unlink()
    kept.take_back()  # there is nothing that it could replace
    assert people(database) == ["ada"]


def test_a_restored_one_that_could_not_be_removed_is_not_taken_again_but_once_more_restored_it_is(
    kept: KeptDatabase, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(kept_database, "_remove", fail)
    write(folder / RESTORED, "ada")
    for expected in (["ada"], ["ada", "bob"]):
        kept.take_back()
        assert people(database) == expected
        if expected == ["ada"]:
            with closing(sqlite3.connect(database)) as hub, hub:
                hub.execute("INSERT INTO people VALUES ('bob')")
    (folder / RESTORED).rename(folder / "snapshot")
    (folder / "snapshot").rename(folder / RESTORED)
    kept.take_back()
    assert people(database) == ["ada"]
    assert people(database.with_name(f"{database.name}.before")) == ["ada", "bob"]


def test_a_hub_that_is_killed_right_after_the_change_keeps_what_was_before(
    kept: KeptDatabase, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, "bob")
    write(folder / RESTORED, "ada")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(kept_database, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.take_back()
    kept.take_back()
    assert people(database) == ["ada"]
    assert people(database.with_name(f"{database.name}.before")) == ["bob"]


@pytest.mark.parametrize("name", [COPY, RESTORED])
def test_a_damaged_copy_is_not_taken(kept: KeptDatabase, database: Path, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"SQLite format 3\0" + bytes(4096))
    with pytest.raises(NoAnswerError, match=rf"is damaged \(.*/{name}: .*Restore an older one"):
        kept.take_back()
    write(database, "ada")
    kept.take_back()
    assert people(database) == ["ada"]
    assert names(database.parent) == [database.name]
