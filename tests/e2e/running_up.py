"""A `pulumi up` that runs: wait for it, interrupt it, read what it does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.waiting import wait_for

INTERRUPT_LIMIT = 900  # seconds, for the steps that are under way


class StackError(AssertionError):
    """Pulumi failed. The text has its last words, the log's place and the way on."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an `up` did: the engine's own `counts` by operation, the changed resources' names by operation, seconds."""

    counts: Mapping[str, int]
    names: Mapping[str, tuple[str, ...]]
    seconds: float

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {operation}" for operation, count in sorted(self.counts.items()))
        return f"{counts or 'nothing'} in {self.seconds:.0f} s"


class RunningUp:
    """A `pulumi up` in a session of its own: an interrupt of the tests reaches it only through `interrupt`."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str], log: Path, events: Path) -> None:
        self.log, self._events, self._began = log, events, time.monotonic()
        self.seconds, self.status = 0.0, -1
        with log.open("w", encoding="utf-8") as out:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, limit_s: float) -> int:
        """Wait for the end and return the exit status. At the limit, or when the tests are interrupted, it is interrupted too."""
        try:
            self.status = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.interrupt()
            raise StackError(f"`pulumi up` was not done after {limit_s:.0f} s; the end of {self.log}:\n{self.tail()}") from None
        except BaseException:
            self.interrupt()
            raise
        self.seconds = time.monotonic() - self._began
        return self.status

    def interrupt(self) -> int:
        """What Ctrl-C in a terminal does: SIGINT to the group. Pulumi finishes the steps under way and stops."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self.status = self._process.wait(INTERRUPT_LIMIT)
        except BaseException:
            os.killpg(self._process.pid, signal.SIGKILL)
            self.status = self._process.wait()
            raise
        self.seconds = time.monotonic() - self._began
        return self.status

    def wait_for_step(self, operation: str, name: str, limit_s: float) -> None:
        """Wait until the engine begins `operation` ("create", say) on the resource of that name."""
        wait_for(
            f"`pulumi up` to begin to {operation} {name}, or to end",
            lambda: (operation, name) in self._steps() or self._process.poll() is not None,
            limit_s=limit_s,
            every_s=0.3,
        )
        if self._process.poll() is not None:
            raise StackError(f"`pulumi up` ended before it could {operation} {name}; the end of {self.log}:\n{self.tail()}")

    def changes(self) -> Changes:
        """What it did, by the engine's events. They are deleted: their debugging lines have values in plain."""
        names: dict[str, tuple[str, ...]] = {}
        for operation, name in self._steps():
            names[operation] = (*names.get(operation, ()), name)
        counts = [event["summaryEvent"]["resourceChanges"] for event in self._parsed() if "summaryEvent" in event]
        self._events.unlink()
        if not counts:
            raise StackError(f"pulumi wrote no summary of its changes; the end of {self.log}:\n{self.tail()}")
        return Changes(counts=counts[-1] or {}, names=names, seconds=self.seconds)

    def tail(self, lines: int = 25) -> str:
        """What the log says of errors, or its last lines where it has come to no end."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        _, found, after = text.rpartition("\nDiagnostics:\n")
        return after.partition("\nOutputs:\n")[0] if found else "\n".join(text.splitlines()[-lines:])

    def _steps(self) -> list[tuple[str, str]]:
        """(operation, resource name) of each step begun, without those that leave all as it is and default providers."""
        steps = []
        for event in self._parsed():
            metadata = event.get("resourcePreEvent", {}).get("metadata", {})
            if metadata.get("op", "same") not in ("same", "read", "refresh") and "::default" not in metadata["urn"]:
                steps.append((str(metadata["op"]), resource_name(metadata["urn"])))
        return steps

    def _parsed(self) -> list[dict[str, Any]]:
        if not self._events.exists():
            return []
        # The engine may be in the middle of a line.
        lines = self._events.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines if line]


def resource_name(urn: str) -> str:
    """The name in a resource's URN."""
    return urn.rsplit("::", 1)[-1]
