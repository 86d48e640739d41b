"""For how long the hub has heard, without a gap, what its servers tell of themselves.

Servers report their activity to the hub every five minutes, and the hub asks the user proxy as often. While the hub does not run
(an update, a machine that is down, suspended or moved), nothing arrives, and what its database says of everybody grows old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TICK_S = 10.0
GAP_S = 60.0  # more than a busy hub is late by, less than anybody's idle time


class Hearing:
    """Begins with the hub, and anew when the clock shows that the hub did not run for more than GAP_S."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._since, self._noticed = steady(), wall()

    async def keep(self) -> None:
        """Look at the clock, until the hub ends."""
        while True:
            await asyncio.sleep(TICK_S)
            self._notice()

    def lasts_s(self) -> float:
        """Seconds without a gap."""
        self._notice()
        return self._steady() - self._since

    def _notice(self) -> None:
        # By the wall's clock: a machine that is suspended stops the steady one too.
        now = self._wall()
        if now - self._noticed > TICK_S + GAP_S:
            self._since = self._steady()
        self._noticed = now
