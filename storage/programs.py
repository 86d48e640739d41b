"""Runs programs that may hang, and that may tell of any file."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence


def heard(
    command: Sequence[str], environment: Mapping[str, str] | None = None, limit_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. File names may hold what is no text, or what makes a terminal do something: in its complaints
    all that stands escaped.

    After `limit_s` seconds it is ended with all that it has started (ssh, say), and TimeoutExpired is raised.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        process_group=0,
    )
    try:
        said, complaints = process.communicate(timeout=limit_s)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, said, printable(complaints))


def printable(text: str) -> str:
    """The text with what cannot be printed escaped; lines stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
        for character in text
    )
