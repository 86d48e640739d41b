"""Run the programs that the lab is made with: output goes to a log file, an error shows its end.

Standard library only, like all of the lab outside `lab/plugins`: it runs before any virtual environment exists.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / ".build" / "lab"
LOGS = BUILD / "logs"
_BEGAN = time.monotonic()


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
            done = subprocess.run(
                argv, input=stdin, stdout=out, stderr=subprocess.STDOUT, text=True, timeout=timeout_s,
                check=False, env={**os.environ, **(env or {})},
            )  # fmt: skip
        except FileNotFoundError as missing:
            raise LabError(f"{what} needs the program {argv[0]!r}, which is not on PATH; install it") from missing
        except subprocess.TimeoutExpired as late:
            raise LabError(f"{what} was not done after {timeout_s:.0f} s; its output is in {path}") from late
    if done.returncode != 0:
        raise LabError(f"{what} failed with status {done.returncode}; the end of {path}:\n{tail(path)}")
    return time.monotonic() - began


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
