"""Steps that run side by side as far as they can, with a table of where the minutes went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from lab.process import say


@dataclass
class Timing:
    """When a step began and how long it took, in seconds since the first step could begin."""

    name: str
    began: float
    took: float


@dataclass
class Steps:
    """Run functions in threads, each after the steps it names. The first failure stops what has not begun yet."""

    timings: list[Timing] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _futures: dict[str, Future[None]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=12))
    _failed: threading.Event = field(default_factory=threading.Event)

    def add(self, name: str, run: Callable[[], object], after: Sequence[str] = ()) -> None:
        """Begin `run` as soon as the steps in `after`, added before, are done."""
        before = [self._futures[other] for other in after]
        self._futures[name] = self._pool.submit(self._run, name, run, before)

    def finish(self) -> None:
        """Wait for all steps; raises the first step's error, after the others that had begun have ended."""
        try:
            wait(self._futures.values())
        except BaseException:  # an interruption: what has not begun is left out
            self._failed.set()
            raise
        self._pool.shutdown()
        for future in self._futures.values():
            error = future.exception()
            if error is not None and not isinstance(error, _NotBegunError):
                raise error

    def table(self) -> str:
        """One row a step in the order of their beginnings: name, beginning and duration in seconds."""
        rows = [f"{'step':<42}{'began':>8}{'took':>8}"]
        rows += [
            f"{timing.name:<42}{timing.began:>7.0f}s{timing.took:>7.0f}s"
            for timing in sorted(self.timings, key=lambda timing: timing.began)
        ]
        rows.append(f"{'all':<50}{time.monotonic() - self._began:>7.0f}s")
        return "\n".join(rows)

    def _run(self, name: str, run: Callable[[], object], before: Sequence[Future[None]]) -> None:
        wait(before)
        if self._failed.is_set():
            raise _NotBegunError(name)
        began = time.monotonic()
        try:
            run()
        except BaseException:
            self._failed.set()
            raise
        took = time.monotonic() - began
        self.timings.append(Timing(name, began - self._began, took))
        if took >= 1:
            say(f"{name}: done in {took:.0f} s")


class _NotBegunError(Exception):
    """A step was left out because another one failed."""


class MemoryPeak:
    """The highest use of memory on this machine while a block runs, above its use when the block began. In bytes."""

    def __init__(self, period_s: float = 1.0) -> None:
        self._period_s, self._stop = period_s, threading.Event()
        self._start, self._lowest = 0, 0

    def __enter__(self) -> MemoryPeak:
        self._start = self._lowest = available_memory()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    @property
    def above_start(self) -> int:
        return self._start - self._lowest

    def _watch(self) -> None:
        while not self._stop.wait(self._period_s):
            self._lowest = min(self._lowest, available_memory())


def available_memory() -> int:
    """Bytes that Linux says a new program could use (MemAvailable)."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no MemAvailable")
