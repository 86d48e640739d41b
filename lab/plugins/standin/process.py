"""Runs one program with its output as lines to the user, its end watched, and no output lost."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from standin.context import Context

_LOOK_SECONDS = 0.2
_CHUNK = 65536
_STOP_SECONDS = 3.0


@dataclass(frozen=True)
class Finished:
    """How a program ended. `both` is stdout and stderr in the order in which they came."""

    code: int
    stdout: str
    stderr: str
    both: str


class Sink:
    """Collects one or more streams as text; whole lines go to `show` as they come."""

    def __init__(self, show: Callable[[str], None] | None = None) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._parts: list[bytes] = []
        self._rest = b""

    def write(self, part: bytes) -> None:
        """Adds output; safe from several threads."""
        with self._lock:
            self._parts.append(part)
            if self._show is None:
                return
            *lines, self._rest = (self._rest + part).split(b"\n")
            for line in lines:
                self._show(_text(line).rstrip("\r"))

    def close(self) -> None:
        """Shows a last line that has no line end."""
        with self._lock:
            if self._show is not None and self._rest:
                self._show(_text(self._rest))
            self._rest = b""

    def text(self) -> str:
        """Everything so far."""
        with self._lock:
            return _text(b"".join(self._parts))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. `stdin` None means no input at all; `log_*` choose which lines the user sees while it runs."""

    argv: Sequence[str]
    env: Mapping[str, str]
    stdin: bytes | None = None
    folder: Path | None = None
    log_stdout: bool = False
    log_stderr: bool = False


def run(context: Context[Any], program: Program) -> Finished:
    """Runs the program to its end. Raises CancelledError (and stops it) when the user cancels; OSError when it is
    not there."""
    process = subprocess.Popen(
        program.argv,
        env=dict(program.env),
        cwd=program.folder,
        stdin=subprocess.DEVNULL if program.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    stdout, stderr, both, shown = Sink(), Sink(), Sink(), Sink(context.status)
    pumps = [
        _thread(_pump, process.stdout, [stdout, both, *([shown] if program.log_stdout else [])]),
        _thread(_pump, process.stderr, [stderr, both, *([shown] if program.log_stderr else [])]),
    ]
    if program.stdin is not None:
        pumps.append(_thread(_feed, process.stdin, program.stdin))
    try:
        while process.poll() is None or any(pump.is_alive() for pump in pumps):
            context.check_cancelled()
            _wait(process, pumps)
    finally:
        stop(process)
    shown.close()
    return Finished(process.returncode, stdout.text(), stderr.text(), both.text())


def _wait(process: subprocess.Popen[bytes], pumps: Sequence[threading.Thread]) -> None:
    if process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    for pump in pumps:
        if process.poll() is not None:
            pump.join(_LOOK_SECONDS)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and what it started, if it still runs."""
    if process.poll() is not None:
        return
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return


def _thread(work: Callable[..., None], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def _pump(stream: IO[bytes], sinks: Sequence[Sink]) -> None:
    with stream:
        while part := os.read(stream.fileno(), _CHUNK):
            for sink in sinks:
                sink.write(part)


def _feed(stream: IO[bytes], content: bytes) -> None:
    """Writes all input; a program that ends without reading it is no error."""
    with contextlib.suppress(BrokenPipeError, ValueError), stream:
        stream.write(content)
