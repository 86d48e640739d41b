"""restic with this deployment's repository. Its secrets are read from files of root's and go into its environment alone.

Works with restic 0.14 (Debian 12) to 0.18 (Debian 13): of what came later, `--retry-lock` (0.16), `--overwrite` and the exit
statuses 10 to 12 (0.17), nothing is used; waiting for a lock and keeping newer files are done here and in placing.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.programs import heard
from storage.tree import is_folder

# The exit status of a backup that made a snapshot of all but some files, which vanished meanwhile or cannot be read.
INCOMPLETE = 3
CONFIG = Path("/etc/jupyterhub-storage/backup.json")
CACHE = Path("/var/cache/restic")
ANSWER_S = 600.0  # for what needs a few requests; restic itself tries for 15 min to reach a repository that is not there
PATIENCE_S = 4 * 3600.0  # for a lock of somebody who prunes or checks the repository
LOOK_S = 20.0
# Puts a program where it can write to nothing but the paths that are named behind it: what a snapshot holds is its users'.
SANDBOX = (
    "systemd-run",
    "--quiet",
    "--collect",
    "--wait",
    "--pipe",
    "--property=PrivateTmp=yes",
    "--property=ProtectSystem=strict",
)
# restic takes a lock for left behind when its process is gone from a host of its own name. Nodes of all stacks are called alike,
# so each stack's restic sees a name of its own; the host of a snapshot is that name, too.
NAMED = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"')
SSH = (
    "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o HostKeyAlias=backup "
    "-o GlobalKnownHostsFile=none -o ConnectTimeout=60 -o ServerAliveInterval=60 -o ServerAliveCountMax=5"
)


class BackupError(Exception):
    """What the person who asked for a backup or a restore should read."""


class Restic:
    """Calls of restic. The configuration is {"repository", "password", "environment": {…}, "keep": {"daily": 7, …}, "stack",
    "volume", "sftp": {"user", "host", "port", "key", "host_key"} or null}; versions before these last three had none of them."""

    def __init__(self, config: Path = CONFIG, patience_s: float = PATIENCE_S) -> None:
        self._file, self.patience_s = config, patience_s
        try:
            self.config: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BackupError("no backup is configured: set `backup` in the stack's settings (docs/operations.md)") from None
        self._options = self._sftp(self.config["sftp"]) if self.config.get("sftp") else []

    @property
    def location(self) -> str:
        """Where the repository is, without a password that the URL may hold."""
        return re.sub(r"//[^/@]*@", "//", str(self.config["repository"]))

    @property
    def folder(self) -> Path | None:
        """Where the repository is, if on this node."""
        text = str(self.config["repository"]).removeprefix("local:")
        return Path(text) if text.startswith("/") else None

    @property
    def host(self) -> str:
        """The name under which restic works for this stack, at most 64 bytes; empty before this version has configured it.

        Letters, digits and single dashes: `hostname` refuses the underscores that a stack's name may have, and a dash at the end.
        """
        stack, volume = self.config.get("stack"), self.config.get("volume")
        return re.sub(r"[^A-Za-z0-9]+", "-", f"{str(stack)[:50]}-{str(volume)[:8]}").strip("-") if stack else ""

    def run(self, *arguments: str, limit_s: float | None = None) -> str:
        """Run restic and return its output. Raises BackupError with its reason, or where it has not ended in time."""
        return self._run(arguments, (), limit_s).stdout

    def back_up(self, *arguments: str) -> str:
        """Take a snapshot; returns what of it could not be read, in words, or an empty text. Raises BackupError."""
        done = self._run(("backup", *arguments), (INCOMPLETE,))
        if done.returncode != INCOMPLETE:
            return ""
        trouble = trouble_in(done.stderr)
        return f"{max(len(trouble), 1)} files could not be read: {(trouble or [done.stderr.strip()[-300:]])[0]}"

    def listed(self, snapshot: str, *folders: str) -> Iterator[dict[str, Any]]:
        """Each file and folder that a snapshot holds below these, as `restic ls --json` tells. Raises BackupError in the end."""
        command = self._command(("ls", "--json", "--recursive", "--no-lock", snapshot, *folders))
        with subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            for line in process.stdout or ():
                node = json.loads(line)
                if "path" in node:
                    yield node
        if process.returncode != 0:
            self.run("ls", "--json", snapshot, limit_s=ANSWER_S)  # which says why
            raise BackupError(f"restic ls failed: what is in the snapshot {snapshot} cannot be read")

    def unlock(self) -> None:
        """Remove the locks of those who ended without doing so, which restic never does by itself: of processes that are gone, or
        that have not renewed theirs for half an hour; not those of who is at work, here or elsewhere. Where that may not be done,
        the next call says whether something is in its way."""
        with contextlib.suppress(BackupError):
            self._once(("unlock",), (), ANSWER_S)

    def _run(
        self, arguments: Sequence[str], also_good: Sequence[int], limit_s: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return self._once(arguments, also_good, limit_s)
            except BackupError as error:
                if "already locked" not in str(error) or time.monotonic() >= until:
                    raise
            time.sleep(LOOK_S)
            self.unlock()

    def _once(
        self, arguments: Sequence[str], also_good: Sequence[int], limit_s: float | None
    ) -> subprocess.CompletedProcess[str]:
        verb = next(word for word in arguments if not word.startswith("-"))
        try:
            done = heard(self._command(arguments), self._environment(), limit_s)
        except subprocess.TimeoutExpired:
            raise BackupError(
                f"restic {verb} has not ended within {(limit_s or 0) / 60:.0f} min; does {self.location} answer?"
            ) from None
        if done.returncode not in (0, *also_good):
            raise BackupError(f"restic {verb} failed: {reason(done.stderr)}")
        return done

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [*((*NAMED, self.host) if self.host else ()), "restic", *self._options, *arguments]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RESTIC_REPOSITORY": self.config["repository"],
            "RESTIC_PASSWORD": self.config["password"],
            "XDG_CACHE_HOME": str(CACHE.parent),
            **self.config["environment"],
        }

    def _sftp(self, sftp: Mapping[str, str]) -> list[str]:
        """ssh with the key and the host key of the settings alone. They lie beside the configuration, since ssh reads files."""
        key, hosts = Path(f"{self._file}.key"), Path(f"{self._file}.hosts")
        for path, text in ((key, sftp["key"]), (hosts, f"backup {sftp['host_key']}")):
            line = text.strip() + "\n"
            # In the sandbox, where nothing can be written, they are there already.
            if not path.is_file() or path.read_text(encoding="utf-8") != line:
                write_private(path, line)
        way = f"-p {sftp['port']} -l {sftp['user']} {sftp['host']}"
        return ["-o", f"sftp.command={SSH} -i {key} -o UserKnownHostsFile={hosts} {way} -s sftp"]


def write_private(path: Path, text: str) -> None:
    """Give a file that root alone reads this content, all at once."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def reason(said: str) -> str:
    """The line that says why restic ended, with the first file that it had trouble with; else the end of all it said."""
    lines = said.splitlines()
    final = [line for line in lines if line.startswith(("Fatal:", "panic:"))][-1:]
    if final and (trouble := trouble_in(said)):
        final.append(f"the first: {trouble[0]}")
    return "; ".join(final) or said.strip()[-600:]


def trouble_in(said: str) -> list[str]:
    """The lines in which restic tells of single files."""
    return [line for line in said.splitlines() if line.startswith(("error:", "ignoring error for"))]


def report(error: BackupError) -> int:
    """Say why, and return the exit status of a failure."""
    print(error, file=sys.stderr)
    return 1


def restore_inside(restic: Restic, snapshot: str, folder: str, target: Path) -> None:
    """Restore what is in a folder of a snapshot into `target`, with no way to write anywhere else but to restic's own cache, and
    to the repository's locks where it is on this node: without a lock, somebody's prune would end a restore half way.

    Raises BackupError; some of it may be there all the same.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    writable = [str(target), str(CACHE), *([f"-{restic.folder}/locks"] if restic.folder else [])]
    paths = [f"--property=ReadWritePaths={_quoted(path)}" for path in writable]
    done = heard([*SANDBOX, *paths, "jupyterhub-storage", "restic", snapshot, folder, str(target)])
    if done.returncode != 0:
        raise BackupError(f"restoring {folder}: {(done.stderr or done.stdout).strip()[-600:]}")


def _quoted(path: str) -> str:
    """As systemd reads a list of paths."""
    return path if re.fullmatch(r"[\w./+-]+", path) else '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(snapshot: str, folder: str, target: str) -> int:
    """What runs in the sandbox. restic puts the folder below the target with its whole path, from where it is moved up.

    (`snapshot:folder` does without, but comes with restic 0.16 only.)
    """
    whole = Path(target, f".whole-{secrets.token_hex(8)}")  # no name of a file in it
    pattern = re.sub(r"([\\*?\[])", r"\\\1", folder)
    try:
        Restic().run("restore", snapshot, "--include", pattern, "--target", str(whole))
    except BackupError as error:
        status = report(error)
    else:
        status = 0
    found = whole / folder.lstrip("/")
    if is_folder(found):
        for entry in found.iterdir():
            entry.rename(Path(target, entry.name))
    elif status == 0:
        status = report(BackupError(f"the snapshot {snapshot} holds no folder {folder}"))
    shutil.rmtree(whole, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
