"""Whose the snapshots of a repository are, that it is made once, and who may take data away from it, with the real restic."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from storage import backup, snapshots
from storage.repository import FILE, adopt
from storage.restic import BackupError, Restic
from tests.integration.backup_stacks import PASSWORD, Stack


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
