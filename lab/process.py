"""Run the programs that the lab is made with: output goes to a log file, an error shows its end.

Standard library only, like all of the lab: it runs before any virtual environment exists.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

BUILD = Path(__file__).resolve().parent.parent / ".build" / "lab"
LOGS = BUILD / "logs"
_BEGAN = time.monotonic()
_RUNNING: set[subprocess.Popen[str]] = set()


class LabError(Exception):
    """A step of the lab failed; the text names the step, the reason and the way on."""


def say(text: str) -> None:
    """Print a line of progress with the seconds since this process began."""
    print(f"[{time.monotonic() - _BEGAN:5.0f} s] {text}", file=sys.stderr, flush=True)


def run_logged(
    what: str,
    argv: Sequence[str],
    log: str,
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 1800,
) -> float:
    """Run a program with its output in `.build/lab/logs/<log>.log` and return the seconds it took.

    `env` is added to this process's environment. Raises LabError, with the last lines of the log, if it ends with a status
    other than 0 or is not done after `timeout_s` seconds.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path, began = LOGS / f"{log}.log", time.monotonic()
    with path.open("w", encoding="utf-8") as out:
        try:
            status = _run(argv, stdin, out, {**os.environ, **(env or {})}, timeout_s)
        except FileNotFoundError as missing:
            raise LabError(f"{what} needs the program {argv[0]!r}, which is not on PATH; install it") from missing
        except subprocess.TimeoutExpired as late:
            raise LabError(f"{what} was not done after {timeout_s:.0f} s; its output is in {path}") from late
    if status != 0:
        raise LabError(f"{what} failed with status {status}; the end of {path}:\n{tail(path)}")
    return time.monotonic() - began


def _run(argv: Sequence[str], stdin: str | None, out: IO[str], env: Mapping[str, str], timeout_s: float) -> int:
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, text=True, env=env)
    _RUNNING.add(process)
    try:
        process.communicate(stdin, timeout=timeout_s)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        _RUNNING.discard(process)
    return process.returncode


def interrupt_running() -> None:
    """Pass an interruption on to the programs that run now, as Ctrl-C in a terminal would: each may end in order."""
    for process in list(_RUNNING):
        process.send_signal(signal.SIGINT)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a text file, indented, for an error message."""
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in text[-lines:])


def output_of(argv: Sequence[str], timeout_s: float = 60) -> str:
    """The standard output of a quick program without surrounding blanks; raises LabError if it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as trouble:
        raise LabError(f"could not run {argv[0]!r}: {trouble}") from trouble
    if done.returncode != 0:
        raise LabError(f"`{' '.join(argv)}` failed with status {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
