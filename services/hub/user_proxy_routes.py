"""The user proxy's routes: it keeps them in memory, so a new one is given them all as soon as it listens.

JupyterHub takes the user proxy to be the same one for ever, and compares the routes every five minutes only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from jupyterhub.app import JupyterHub

from services.hub import socket_proxy

LOOK_S = 1.0

log = logging.getLogger("JupyterHub.user_proxy_routes")  # below the hub's own, with its level

# Device, inode and time of change of a socket.
Mark = tuple[int, int, int]


def mark(path: str) -> Mark | None:
    """What tells a user proxy from the one before: each makes the socket anew when it starts. None while there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns


async def look(path: str, known: Mark | None, hand_over: Callable[[], Awaitable[None]]) -> Mark | None:
    """Hand the routes over if another user proxy than the known one listens; the mark of the one that has them."""
    found = mark(path)
    if found is None or found == known:
        return known
    try:
        await hand_over()
    except Exception:
        log.exception("The user proxy could not be given its routes; trying again")
        return known
    log.info("The user proxy has its routes")
    return found  # as it was before they were handed over: one that came meanwhile is seen at the next look


async def keep_handed_over() -> None:
    """Look each second, for as long as the hub runs."""
    app = JupyterHub.instance()
    await app._start_future  # until then JupyterHub does it itself, and does not know all servers yet
    known = None
    while True:
        known = await look(socket_proxy.SOCKET, known, lambda: app.proxy.check_routes(app.users, app._service_map))
        await asyncio.sleep(LOOK_S)
