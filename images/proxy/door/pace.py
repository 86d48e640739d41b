"""How often a CA may be asked: at once when there is reason to hope, ever more seldom after refusals, never beyond its limits."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

from . import files

# Let's Encrypt refuses, for an hour, whoever failed 5 times within one for the same name
# (https://letsencrypt.org/docs/rate-limits/). Counted on the state volume: a container that starts again and again must not
# use them up.
MOST_AN_HOUR, HOUR_S = 4, 3600.0
FIRST_S, LONGEST_S = 900.0, 6 * 3600.0  # between two refusals
OUTAGE_FIRST_S, OUTAGE_LONGEST_S = 10.0, 900.0  # between two looks for a CA that does not answer, which costs it nothing


def growing(first_s: float, longest_s: float, failures: int) -> float:
    """The pause after so many failures in a row, doubled with each, and up to a tenth more, so that not all come at once."""
    return min(longest_s, first_s * 2.0 ** min(failures - 1, 16)) * random.uniform(1, 1.1)  # noqa: S311  no secret


class Pace:
    """Times are seconds since 1970."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        self._failures = 0
        self._not_before = 0.0

    @property
    def next_ask(self) -> float:
        """When the CA may be asked again, now or later."""
        asked = self._asked()
        full = asked[-MOST_AN_HOUR] + HOUR_S if len(asked) >= MOST_AN_HOUR else 0.0
        return max(self._not_before, full)

    def count(self) -> None:
        """Note, before it happens, that the CA is asked. Raises OSError where it cannot be noted."""
        files.write(self._file, json.dumps([*self._asked(), self._clock()]))

    def issued(self) -> None:
        """It issued: what was counted for that was no failure."""
        with contextlib.suppress(OSError):  # then it counts for an hour; the certificate must not be lost for that
            files.write(self._file, json.dumps(self._asked()[:-1]))
        self.encouraged()

    def refused(self, until: float | None = None) -> None:
        """The CA refused; `until` is the time that it told, if it did."""
        self._failures += 1
        self._not_before = max(self._clock() + growing(FIRST_S, LONGEST_S, self._failures), until or 0.0)

    def encouraged(self) -> None:
        """What the CA stumbled over is gone: no need to wait out the pause."""
        self._failures, self._not_before = 0, 0.0

    def _asked(self) -> list[float]:
        """The times of the last hour."""
        try:
            times = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        now = self._clock()
        return [moment for moment in times if now - HOUR_S < moment <= now]
