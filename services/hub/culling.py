"""Stopping servers that nobody uses. Beside the hub's own work, since what must be known right before a stop is known there.

Jupyter counts messages as activity, and a kernel sends none while it computes without output (jupyter_server 2.21,
kernelmanager.py, `start_watching_activity`). So a server that was not used for long is asked whether a kernel of it computes.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from jupyterhub.app import JupyterHub
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from services.hub import kernels
from services.hub.culler_token import token_for
from services.hub.hearing import Hearing

# Two rounds of the reports that reach the hub every five minutes: before that, nobody is idle by what its database says.
REPORTS_S = 600.0
# A server that gives no clear answer for so long is taken for one that does not compute.
UNCLEAR_S = 1800.0
# Seconds between two looks, at least and at most: activity reaches the hub every five minutes, and more looks find nothing new.
EVERY_S = (5, 300)
AT_ONCE, STOP_S = 10, 60


def seconds_since(when: datetime | None) -> float:
    """Seconds from a time as in JupyterHub's database, UTC without saying so; 0 for none."""
    return (datetime.now(UTC).replace(tzinfo=None) - when).total_seconds() if when else 0.0


class Culler:
    """Stops servers after `idle_s` without use, and after `max_age_s` whatever they do. Seconds; 0 is never."""

    def __init__(self, idle_s: int, max_age_s: int, hearing: Hearing | None = None) -> None:
        self._idle_s, self._max_age_s = idle_s, max_age_s
        self._hearing = hearing or Hearing()
        # Since when a server has given no clear answer, by its row in the database.
        self._unclear: dict[int, float] = {}

    async def run(self) -> None:
        """Look at all servers, again and again, until the hub ends."""
        least, most = EVERY_S
        pause = max(least, min(most, min(filter(None, (self._idle_s, self._max_age_s))) // 4))
        keeping = asyncio.create_task(self._hearing.keep())
        try:
            while True:
                await asyncio.sleep(pause)
                app = JupyterHub.instance()
                try:
                    await self.look(app)
                except Exception:
                    _mend(app.db)
                    app.log.exception("Culler: this look failed; the next one comes")
        finally:
            keeping.cancel()

    async def look(self, app: Any) -> None:
        """Look at each server that runs; what goes wrong with one is told and concerns no other."""
        ready = [spawner for user in list(app.users.values()) for spawner in list(user.spawners.values()) if spawner.ready]
        known = {spawner.orm_spawner.id for spawner in ready}
        self._unclear = {server: since for server, since in self._unclear.items() if server in known}
        few = asyncio.Semaphore(AT_ONCE)

        async def look_at(spawner: Any) -> None:
            async with few:
                try:
                    await self._look_at(app, spawner)
                except Exception:
                    _mend(app.db)
                    app.log.exception("Culler: looking at %s failed; it stays", spawner._log_name)

        await asyncio.gather(*map(look_at, ready))

    async def _look_at(self, app: Any, spawner: Any) -> None:
        if not spawner.ready:  # any more, when its turn has come
            return
        if self._max_age_s and seconds_since(spawner.orm_spawner.started) >= self._max_age_s:
            await _stop(app, spawner, f"runs for longer than {self._max_age_s} s")
        elif await self._is_idle(app, spawner):
            await _stop(app, spawner, f"was not used for {self._idle_s} s")

    async def _is_idle(self, app: Any, spawner: Any) -> bool:
        server, path = spawner.orm_spawner.id, spawner.server.base_url
        if not self._unused(spawner, None):
            self._unclear.pop(server, None)
            return False
        with token_for(app.db, "access:servers", spawner) as token:
            told = await kernels.ask(spawner.server.url, token)
        if told.computes is None:
            since = self._unclear.setdefault(server, time.monotonic())
            # A time when the hub did not run is none that the server was silent for.
            if min(time.monotonic() - since, self._hearing.lasts_s()) < UNCLEAR_S:
                app.log.warning("Culler: %s stays, since it does not say whether it computes: %s", path, told.why)
                return False
        else:
            self._unclear.pop(server, None)
        if told.computes:
            app.log.info("Culler: %s stays, since a kernel computes", path)
            return False
        # Its user may have come back meanwhile: what the user proxy has seen last, and after it the hub itself, is asked last.
        try:
            seen = await _last_seen(app, spawner)
        except (TimeoutError, OSError, HTTPClientError) as error:
            app.log.warning("Culler: %s stays, since the user proxy does not say when it was last used: %r", path, error)
            return False
        return spawner.ready and self._unused(spawner, max(filter(None, (told.last_used, seen)), default=None))

    def _unused(self, spawner: Any, told: datetime | None) -> bool:
        """Whether the server is unused for the limit, by the hub's database, if that is up to date, and by what is told."""
        if not self._idle_s or self._hearing.lasts_s() < REPORTS_S:
            return False
        row = spawner.orm_spawner
        return seconds_since(max(filter(None, (row.last_activity, row.started, told)), default=None)) >= self._idle_s


def _mend(db: Any) -> None:
    """A change that the database refused leaves the session, which all of the hub shares, in the way of the next request."""
    if not db.is_active:
        db.rollback()


async def _last_seen(app: Any, spawner: Any) -> datetime | None:
    """When the user proxy last saw traffic of the server. Raises where it does not answer."""
    route = (await app.proxy.get_all_routes()).get(spawner.proxy_spec)
    said = route["data"].get("last_activity") if route else None
    return datetime.fromisoformat(said).astimezone(UTC).replace(tzinfo=None) if said else None


async def _stop(app: Any, spawner: Any, why: str) -> None:
    """By the hub's own API, as an admin's click does: the hub knows what a stop takes, and tells of it in its log."""
    user, name = (quote(part, safe="") for part in (spawner.user.name, spawner.name))
    app.log.info("Culler: stopping %s, which %s", spawner.server.base_url, why)
    with token_for(app.db, "delete:servers", spawner) as token:
        request = HTTPRequest(
            # Beside the hub: its name in the swarm comes only with its first good healthcheck.
            f"http://127.0.0.1:{app.hub.port}{app.hub.base_url}api/users/{user}/servers/{name}",
            method="DELETE",
            headers={"Authorization": f"token {token}"},
            request_timeout=STOP_S,
        )
        # Of its own: the hub's other requests, to servers that start and may be slow, have a queue.
        client = SimpleAsyncHTTPClient(force_instance=True)
        try:
            await client.fetch(request)
        finally:
            client.close()
