"""Who may remove data from a repository while others work with it, and how it is reached over ssh, with the real restic."""

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

from storage.restic import BackupError
from tests.integration.backup_stacks import Stack
from tests.integration.sshd import Server, new_key
from tools.graph import ROOT


@pytest.fixture
def repository(tmp_path: Path) -> str:
    return str(tmp_path / "repository")


@contextmanager
def at_work(stack: Stack) -> Iterator[None]:
    """The stack's node, whose processes nobody else sees, takes a backup just now. Nodes of all stacks have one name."""
    script = f"""
from pathlib import Path
from storage.restic import Restic
import subprocess
made = Restic(Path({str(stack.config)!r}))
subprocess.run(made._command(("backup", "--stdin")), env=made._environment())
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
