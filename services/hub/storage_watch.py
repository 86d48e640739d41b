"""Whether the storage of the homes answers, looked at all the time: every page says so while it does not."""

from __future__ import annotations

import asyncio
import html
import logging
import time
from collections.abc import Callable
from typing import Any

from services.hub.homes import HomeError, Homes

EVERY_S = 10.0

log = logging.getLogger("jupyterhub.storage_watch")


class StorageWatch:
    """`trouble` is what the last look at the storage found, None where it answered or was not asked yet."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self.trouble: HomeError | None = None
        self._since = 0.0

    async def go_on(self, every_s: float = EVERY_S) -> None:
        """Look again and again, as long as the hub runs."""
        while True:
            await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Ask the storage now, and log when it goes and when it is back."""
        try:
            await self._homes.answer()
        except HomeError as error:
            if not self.trouble:
                self._since = time.monotonic()
                log.warning("%s", error.jupyterhub_message)
            self.trouble = error
        else:
            if self.trouble:
                log.warning("The storage of the homes answers again, after %.0f s", time.monotonic() - self._since)
            self.trouble = None

    def notice(self) -> str:
        """What people read of it, as HTML; empty where all is well."""
        if not self.trouble:
            return ""
        minutes = int(time.monotonic() - self._since) // 60
        return (
            f"{html.escape(self.trouble.jupyterhub_message)} It has been so for {minutes} min. Servers that run wait for it "
            "and go on by themselves; none can be started until then."
        )

    def announcement(self, always: str) -> Callable[[Any], str]:
        """The template variable of that name: what is `always` said, and the notice. JupyterHub calls it for each page.

        A plain function, since JupyterHub copies what it is configured with.
        """
        return lambda _user: "<br>".join(filter(None, [self.notice(), always]))
