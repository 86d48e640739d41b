"""Whose the snapshots of a repository are, that it is made once, and who may take data away from it, with the real restic."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import backup, snapshots
from storage.repository import FILE, adopt
from storage.restic import BackupError, Restic
from tests.integration.backup_stacks import PASSWORD, Stack
from tests.integration.sshd import Server, new_key, privilege_folder
from tools.graph import ROOT


@pytest.fixture
def repository(tmp_path: Path) -> str:
    return str(tmp_path / "repository")


def earlier_backup(stack: Stack) -> None:
    """What the version before did: one tag, the node's name, no id."""
    folders = [str(stack.root / name) for name in backup.FOLDERS]
    env = {**os.environ, "RESTIC_REPOSITORY": stack.restic.config["repository"], "RESTIC_PASSWORD": PASSWORD}
    if not Path(env["RESTIC_REPOSITORY"]).exists():
        subprocess.run(["restic", "init", "--quiet"], env=env, check=True)
    subprocess.run(["restic", "backup", "--quiet", "--host=manager-0", "--tag=homes", *folders], env=env, check=True)


def test_two_stacks_with_one_repository_keep_what_is_theirs(tmp_path: Path, repository: str) -> None:
    prod, test = Stack.made(tmp_path, "prod", repository), Stack.made(tmp_path, "test", repository)
    assert prod.settle() == [f"made the repository {repository}"]
    assert test.settle() == []
    for _ in range(2):
        for stack in (prod, test):
            assert stack.back_up() == ""
    assert [len(stack.snapshots()) for stack in (prod, test)] == [1, 1]  # of one day the last, of each stack
    assert (prod.latest(), test.latest()) == ("of prod", "of test")


def test_two_stacks_of_one_name_are_told_apart_by_their_volumes(tmp_path: Path, repository: str) -> None:
    one, other = (Stack.made(tmp_path / where, "dev", repository, volume=where) for where in ("one", "other"))
    for stack in (one, other):
        stack.settle()
        stack.back_up()
    assert "1 snapshots are kept for ever, since they are not of this volume (stack dev, volume other)" in one.back_up()
    assert [len(stack.snapshots()) for stack in (one, other)] == [1, 1]


def test_the_snapshots_of_an_earlier_version_are_taken_over_once(tmp_path: Path, repository: str) -> None:
    prod, test = Stack.made(tmp_path, "prod", repository), Stack.made(tmp_path, "test", repository)
    earlier_backup(prod)
    (first,) = snapshots.every(prod.restic)
    assert prod.settle(used=True) == ["took over the 1 snapshots of an earlier version"]
    assert prod.latest() == "of prod"
    assert snapshots.chosen(prod.restic, snapshots.every(prod.restic), first["short_id"])["time"] == first["time"]
    earlier_backup(test)  # which goes on with the earlier version
    assert prod.settle() == []
    assert prod.latest() == "of prod"
    prod.write("newer")
    assert "1 snapshots are kept for ever" in prod.back_up()
    assert len(prod.snapshots()) == 1  # both were of today
    assert test.settle(used=True) == [
        "1 unmarked snapshots are left alone, since the repository is also that of stack prod, volume prod-volume"
    ]
    (unmarked,) = (one for one in snapshots.every(test.restic) if snapshots.owner_of(one) == snapshots.NOBODY)
    assert adopt(test.restic, unmarked["short_id"]) == "took over 1 snapshots (unmarked, of an earlier version)"
    assert (prod.latest(), test.latest()) == ("newer", "of test")


def test_the_first_backup_after_an_upgrade_reads_no_file_anew_that_has_not_changed(tmp_path: Path, repository: str) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    earlier_backup(prod)
    prod.settle(used=True)
    taken = prod.restic.run("snapshots", "--json")
    prod.back_up()
    (newest,) = prod.snapshots()
    assert newest["parent"] in taken


def test_a_stack_whose_volume_was_lost_finds_its_snapshots_and_takes_them_over_when_told(tmp_path: Path, repository: str) -> None:
    lost = Stack.made(tmp_path / "lost", "prod", repository, volume="lost")
    lost.settle()
    lost.back_up()
    new = Stack.made(tmp_path / "new", "prod", repository, volume="new")
    assert new.settle() == []
    with pytest.raises(BackupError, match=r"no snapshot of this stack's homes; .* stack prod, volume lost\)"):
        snapshots.chosen(new.restic, snapshots.every(new.restic), "latest")
    (old,) = snapshots.every(new.restic)
    assert snapshots.chosen(new.restic, [old], old["short_id"]) == old
    assert adopt(new.restic, old["short_id"]) == "took over 1 snapshots (stack prod, volume lost)"
    assert len(new.snapshots()) == 1
    assert lost.snapshots() == []


def test_a_repository_that_is_gone_is_an_error_and_none_is_made_until_somebody_says_so(
    tmp_path: Path, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    prod.settle()
    prod.back_up()
    away = tmp_path / "away"
    Path(repository).rename(away)
    for again in (prod.back_up, prod.settle):
        with pytest.raises(BackupError, match=r"cannot be read .* Nothing was made anew\. .* make backup-accept"):
            again()
    assert not Path(repository).exists()
    away.rename(repository)
    assert prod.back_up() == ""
    shutil.rmtree(repository)
    monkeypatch.setattr(backup, "Restic", lambda: prod.restic)
    assert backup.accept(prod.root) == [f"made the repository {repository}"]
    assert prod.back_up() == ""
    assert prod.every() == 1


def test_a_repository_that_was_exchanged_is_an_error(tmp_path: Path, repository: str) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    prod.settle()
    shutil.rmtree(repository)
    Stack.made(tmp_path, "test", repository).settle()
    for again in (prod.back_up, prod.settle):
        with pytest.raises(BackupError, match=r"another repository is in the place of .* make backup-accept"):
            again()
    assert prod.every() == 0


def test_an_earlier_versions_repository_that_is_gone_at_the_upgrade_is_an_error(tmp_path: Path, repository: str) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    with pytest.raises(BackupError, match=r"cannot be read any more .* make backup-accept"):
        prod.settle(used=True)
    assert not Path(repository).exists()


def test_another_password_makes_no_other_repository(tmp_path: Path, repository: str) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    prod.settle()
    (prod.root / FILE).unlink()
    prod.configure(repository, stack="prod", volume="prod-volume", password="another")
    with pytest.raises(BackupError, match="wrong password"):
        prod.settle()


@contextmanager
def at_work(stack: Stack) -> Iterator[None]:
    """The stack's node, whose processes nobody else sees, takes a backup just now. Nodes of all stacks have one name."""
    script = f"""
from pathlib import Path
from storage.restic import Restic
import sys
Restic(Path({str(stack.config)!r})).run("backup", "--stdin")
"""
    command = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", 'hostname manager-0; exec "$0" -c "$1"']
    process = subprocess.Popen([*command, sys.executable, script], stdin=subprocess.PIPE, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_the_lock_of_another_stacks_node_of_the_same_name_is_left_alone(tmp_path: Path, repository: str) -> None:
    prod, test = Stack.made(tmp_path, "prod", repository), Stack.made(tmp_path, "test", repository)
    prod.settle()
    test.settle()
    with at_work(test):
        locks = wait_for_locks(Path(repository))
        prod.restic.unlock()
        assert locks <= set((Path(repository) / "locks").iterdir())
        with pytest.raises(BackupError, match="already locked"):
            prod.restic.run("prune")


def wait_for_locks(repository: Path, process: subprocess.Popen[bytes] | None = None) -> set[Path]:
    """The locks, as soon as there are any; the process that takes them must not have ended before."""
    until = time.monotonic() + 120
    while time.monotonic() < until and (process is None or process.poll() is None):
        found = {path for path in (repository / "locks").iterdir() if "-tmp-" not in path.name}
        if found:
            return found
        time.sleep(0.01)
    pytest.fail("nobody held a lock")


RESTORE = """
import sys
from pathlib import Path
from storage import restic
restic.CACHE = Path(sys.argv[2])
restic.Restic.__init__.__defaults__ = (Path(sys.argv[1]), 0.0)
sys.exit(restic.main(*sys.argv[3:]))
"""


def test_a_restore_holds_off_a_prune_of_anybody_and_ends_whole(
    tmp_path: Path, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod, test = Stack.made(tmp_path, "prod", repository), Stack.made(tmp_path, "test", repository)
    prod.settle()
    test.settle()
    files = {f"{number}": os.urandom(200_000).hex() for number in range(20)}
    for name, text in files.items():
        prod.write(text, "ada", name)
    prod.back_up()
    (snapshot,) = prod.snapshots()
    slow = tmp_path / "bin" / "restic"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nexec {shutil.which("restic")} --limit-download=1024 "$@"\n')
    slow.chmod(0o755)
    target = tmp_path / "target"
    target.mkdir()
    command = [sys.executable, "-c", RESTORE, prod.config, tmp_path / "cache", snapshot["id"], prod.root / "users/ada", target]
    environment = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    process = subprocess.Popen([*map(str, command)], cwd=ROOT, env=environment)
    try:
        wait_for_locks(Path(repository), process)
        with pytest.raises(BackupError, match=r"restic forget failed: .*already locked"):
            test.restic.run("forget", "--prune", "--max-unused=0", snapshot["id"])
        assert process.poll() is None
        assert process.wait(timeout=300) == 0
    finally:
        process.kill()
        process.wait()
    assert {path.name: path.read_text() for path in target.iterdir()} == {**files, "notes.txt": "of prod"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A backup server."""
    (tmp_path / "keys").mkdir()
    with privilege_folder():
        made = Server(tmp_path, "server", [new_key(tmp_path / "keys", "backup")])
        made.start()
        yield made
        made.stop()


def test_a_repository_over_ssh_works_with_the_key_and_the_host_key_of_the_settings(tmp_path: Path, server: Server) -> None:
    url = f"sftp://root@127.0.0.1:{server.port}/{tmp_path}/remote"
    key = (tmp_path / "keys" / "backup").read_text()
    host_key = " ".join(server.public_host_key.split()[:2])
    sftp = {"user": "root", "host": "127.0.0.1", "port": str(server.port), "key": key, "host_key": host_key}
    prod = Stack.made(tmp_path, "prod", url, sftp=sftp)
    assert prod.settle() == [f"made the repository sftp://127.0.0.1:{server.port}/{tmp_path}/remote"]
    assert prod.back_up() == ""
    assert prod.latest() == "of prod"
    other = " ".join(new_key(tmp_path / "keys", "other").with_suffix(".pub").read_text().split()[:2])
    prod.configure(url, stack="prod", volume="prod-volume", sftp={**sftp, "host_key": other})
    with pytest.raises(BackupError, match=r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|unable to"):
        prod.back_up()
    prod.configure(url, stack="prod", volume="prod-volume", sftp={**sftp, "key": (tmp_path / "keys" / "other").read_text()})
    with pytest.raises(BackupError):
        prod.back_up()


def test_snapshots_are_listed_with_whose_they_are(tmp_path: Path, repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    prod, test = Stack.made(tmp_path, "prod", repository), Stack.made(tmp_path, "test", repository)
    for stack in (prod, test):
        stack.settle()
        stack.back_up()
    assert snapshots.main(prod.restic) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"in {repository}:"
    assert [line.split("  ")[-1] for line in lines[2:]] == ["this stack", "stack test, volume test-volume"]


def test_a_damaged_repository_is_found_by_the_weekly_check(
    tmp_path: Path, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod = Stack.made(tmp_path, "prod", repository)
    prod.settle()
    prod.back_up()
    for pack in (path for path in Path(repository, "data").rglob("*") if path.is_file()):
        pack.chmod(0o600)
        pack.write_bytes(bytes(pack.stat().st_size))  # of its size; restic's cache has what folders hold
    monkeypatch.setattr(backup, "forget", lambda _: None)  # which would write it anew from the cache
    assert prod.back_up() == ""
    with pytest.raises(BackupError, match="restic check failed: Fatal: repository contains errors"):
        backup.back_up(prod.restic, prod.root, tmp_path / "lock", checked=0)


def test_restic_has_a_name_of_its_own_for_each_stack(tmp_path: Path, repository: str) -> None:
    stack = Stack.made(
        tmp_path, "a-name-of-a-stack-that-is-longer-than-any-host-may-be-called", repository, volume="0a7d6b3c-1f2e"
    )
    stack.settle()
    stack.back_up()
    (taken,) = stack.snapshots()
    assert taken["hostname"] == "a-name-of-a-stack-that-is-longer-than-any-host-may-0a7d6b3c"
    assert len(Restic(stack.config).host) <= 64
