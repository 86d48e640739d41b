"""The limits of projects, by xfs_quota: what is used, what is allowed, and setting it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

KIB = 1024
# A file of no bytes takes none of a home's limit but an inode of everybody's disk, so files are bounded too: the limit
# allows for files of 8 KiB on average.
BYTES_A_FILE = 8 * KIB
DEFAULT = 0  # the number that stands for every project without limits of its own
BATCH = 500  # limits in one call, far below what an argument list can hold
_REPORT = "report -p -n -N -b -i"
# `#1001  used soft hard warnings [grace]  used soft hard warnings [grace]`, first KiB, then files
_LINE = re.compile(r"#(\d+)\s+(\d+)\s+\d+\s+(\d+)\s+\d+\s+\[.*?\]\s+(\d+)\s+\d+\s+(\d+)\s")


class Usage:
    """One project: KiB and files, used and allowed (0 is without limit)."""

    def __init__(self, used_kib: int, limit_kib: int, used_files: int, limit_files: int) -> None:
        self.used_kib, self.limit_kib = used_kib, limit_kib
        self.used_files, self.limit_files = used_files, limit_files

    @property
    def limits(self) -> tuple[int, int]:
        return self.limit_kib, self.limit_files


def limits_of(size: int) -> tuple[int, int]:
    """The limits for a home of `size` bytes: KiB and files."""
    return max(size // KIB, 1), max(size // BYTES_A_FILE, 1000)


class QuotaError(Exception):
    """xfs_quota did not do what it was asked for; the text is its own."""


class XfsQuota:
    """The projects of one mounted XFS; `DEFAULT` among them."""

    def __init__(self, mount: Path) -> None:
        self._mount = mount

    def report(self) -> dict[int, Usage]:
        """Every project that has a limit or holds anything, by number."""
        return _usages(self._run([_REPORT]))

    def set(self, wanted: dict[int, tuple[int, int]]) -> str:
        """Give each project its limits; returns the complaints of xfs_quota, which `report` shows the truth of.

        No report in the same call: after a limit it says nothing where /etc/projects has entries (xfs_quota 6.13).
        """
        projects, complaints = sorted(wanted), []
        for start in range(0, len(projects), BATCH):
            try:
                self._run([_limit(project, *wanted[project]) for project in projects[start : start + BATCH]])
            except QuotaError as error:  # what is wrong with one limit is nothing to the others
                complaints.append(str(error))
        return "; ".join(complaints)

    def _run(self, commands: list[str]) -> str:
        arguments = [part for command in commands for part in ("-c", command)]
        done = subprocess.run(["xfs_quota", "-x", *arguments, str(self._mount)], capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr.strip():  # it often fails with status 0
            raise QuotaError(done.stderr.strip() or done.stdout.strip())
        return done.stdout


def _limit(project: int, kib: int, files: int) -> str:
    limits = f"bsoft=0 bhard={kib}k isoft=0 ihard={files}"
    return f"limit -p -d {limits}" if project == DEFAULT else f"limit -p {limits} {project}"


def _usages(report: str) -> dict[int, Usage]:
    lines = filter(None, map(_LINE.match, report.splitlines()))
    return {int(line[1]): Usage(*map(int, line.groups()[1:])) for line in lines}
