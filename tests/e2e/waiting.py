"""Wait for something to become true, up to a limit. No test sleeps for a fixed time: the lab may be fast or very slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")


class WaitedTooLongError(AssertionError):
    """A limit ran out. The text names what was waited for, how long, and what was seen last."""


def wait_for(what: str, probe: Callable[[], T | None | Literal[False]], *, limit_s: float, every_s: float = 1.0) -> T:
    """Call `probe` until it gives something other than None, False or an empty value; return that.

    `limit_s` and `every_s` are seconds. OSError of a probe (a refused connection, say) counts as "not yet": requests'
    errors are OSErrors too. Raises WaitedTooLongError.
    """
    began, last = time.monotonic(), "nothing yet"
    while True:
        try:
            seen = probe()
            if seen:
                return seen
            last = repr(seen)
        except OSError as trouble:
            last = f"{type(trouble).__name__}: {trouble}"
        if time.monotonic() - began > limit_s:
            raise WaitedTooLongError(f"waited {limit_s:.0f} s for {what}; seen last: {last[:400]}")
        time.sleep(every_s)
