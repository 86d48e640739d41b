"""The backup with the real restic: what a node leaves that stops in the middle, and homes that are in use meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from storage import backup
from storage.repository import settle
from storage.restic import NAMED, BackupError, Restic

PASSWORD = "very secret"


@pytest.fixture
def restic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restic:
    """With a repository that holds one snapshot of a home."""
    monkeypatch.setenv("RESTIC_PASSWORD", PASSWORD)
    monkeypatch.setenv("RESTIC_REPOSITORY", str(tmp_path / "repository"))
    for folder in backup.FOLDERS:
        (tmp_path / "homes" / folder).mkdir(parents=True)
    (tmp_path / "homes" / "users" / "ada").mkdir()
    (tmp_path / "homes" / "users" / "ada" / "notes").write_text("notes")
    config = tmp_path / "backup.json"
    repository = {"repository": str(tmp_path / "repository"), "password": PASSWORD}
    config.write_text(json.dumps({**repository, "environment": {}, "keep": {"daily": 7}, "stack": "prod", "volume": "1111-2222"}))
    made = Restic(config, patience_s=0)
    settle(made, tmp_path / "homes", used=False)
    assert back_up(made, tmp_path) == ""
    return made


def back_up(restic: Restic, folder: Path) -> str:
    """Another backup, and what it warns of."""
    return backup.back_up(restic, folder / "homes", folder / "backup.lock", checked=int(time.time()))[0]


def locks(folder: Path) -> list[str]:
    """The locks of the repository, without one that is just being written."""
    return sorted(path.name for path in (folder / "repository" / "locks").iterdir() if "-tmp-" not in path.name)


def snapshots(folder: Path, restic: Restic) -> int:
    return len(json.loads(restic.run("snapshots", "--json", "--no-lock")))


def killed_in_the_middle(folder: Path, *command: str) -> None:
    """Run restic until it holds its lock, and kill it, as the end of this stack's node does."""
    for _ in range(50):
        process = subprocess.Popen(
            [*NAMED, "prod-1111-222", "restic", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not locks(folder):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if locks(folder):
            return
    pytest.fail("restic was always done before it could be killed")


@pytest.mark.parametrize("command", [("prune", "--max-unused=0"), ("backup", "/usr/share")])
def test_the_next_backup_is_good_where_a_node_stopped_in_the_middle(
    tmp_path: Path, restic: Restic, command: tuple[str, ...]
) -> None:
    killed_in_the_middle(tmp_path, *command)
    if command[0] == "prune":
        with pytest.raises(BackupError, match="already locked"):
            restic.run("backup", str(tmp_path / "homes"))
    (tmp_path / "homes" / "users" / "ada" / "more").write_text("more")
    assert back_up(restic, tmp_path) == ""
    assert locks(tmp_path) == []
    assert snapshots(tmp_path, restic) == 1  # the older of one day was forgotten, so that also ran


@contextmanager
def at_work_elsewhere() -> Iterator[None]:
    """Another machine that takes a backup just now, into the same repository."""
    script = "hostname elsewhere && exec restic backup --stdin"
    process = subprocess.Popen(["unshare", "--uts", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_the_lock_of_one_who_is_at_work_is_left_alone(tmp_path: Path, restic: Restic) -> None:
    with at_work_elsewhere():
        while not locks(tmp_path):
            time.sleep(0.01)
        theirs = locks(tmp_path)
        with pytest.raises(BackupError, match=r"restic forget failed: .*already locked"):
            back_up(restic, tmp_path)
        assert set(theirs) <= set(locks(tmp_path))
        assert snapshots(tmp_path, restic) == 2


def test_a_file_that_says_it_is_larger_than_the_volume_does_not_hold_up_everybodys_backup(
    tmp_path: Path, restic: Restic, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "homes" / "users" / "ada"
    with (home / "endless").open("wb") as file:
        file.truncate(2 * 1024**2)  # at 8 EiB, which a user may ask for as well, restic would read for years
    (home / "large").write_bytes(os.urandom(1024**2))
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_blocks=256, f_frsize=4096))
    assert back_up(restic, tmp_path) == ""
    held = restic.run("ls", "latest", str(home)).split()
    assert [Path(path).name for path in held if path.startswith(f"{home}/")] == ["large", "notes"]


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """A user whose program makes files and takes them away again all the time, with names that no UTF-8 has and that clear a
    screen."""
    names = [folder / os.fsdecode(b"caf\xe9\x1b[2J%d" % number) for number in range(200)]
    pid = os.fork()
    if pid == 0:
        while True:
            for name in names:
                name.touch()
            for name in names:
                name.unlink()
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_files_that_vanish_during_a_backup_are_a_warning_and_old_snapshots_are_forgotten_all_the_same(
    tmp_path: Path, restic: Restic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "RESULT", tmp_path / "result" / "backup.json")
    monkeypatch.setattr(backup, "Restic", lambda: restic)
    monkeypatch.setattr(backup, "LOCK", tmp_path / "backup.lock")
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    warning = ""
    with busy(tmp_path / "homes" / "users" / "ada"):
        for _ in range(20):
            assert backup.main([], tmp_path / "homes") == 0
            told = json.loads(backup.RESULT.read_text())
            assert told["problem"] == ""
            if warning := told["warning"]:
                break
    assert "files could not be read: " in warning
    assert "no such file" in warning
    assert "caf\\xe9\\x1b[2J" in warning
    assert warning.isprintable()
    assert snapshots(tmp_path, restic) == 1
    assert "notes" in restic.run("ls", "latest")


@pytest.mark.parametrize(
    ("stack", "volume"), [("class_2026.a", "1f-2"), ("another", "another-volume"), ("_" * 100, "-.-x"), ("ü", "7")]
)
def test_a_stack_and_a_volume_of_any_name_give_a_name_that_a_machine_may_have(tmp_path: Path, stack: str, volume: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"repository": "/nowhere", "password": "", "stack": stack, "volume": volume}))
    host = Restic(config).host
    assert subprocess.run([*NAMED, host, "hostname"], capture_output=True, text=True, check=True).stdout == f"{host}\n"
