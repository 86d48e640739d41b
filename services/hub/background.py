"""Work beside the hub's own, in its event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

AGAIN_S = 60.0

log = logging.getLogger("jupyterhub.background")

Work = Callable[[], Coroutine[Any, Any, None]]


def begin(work: Work) -> asyncio.Task[None] | None:
    """From the hub's configuration, which JupyterHub reads inside its event loop: begin, and go on until the hub ends.

    None where no hub starts, as for `jupyterhub --generate-config`.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    task = loop.create_task(_whatever_comes(work))
    _going_on.add(task)  # the loop alone would let it be collected
    return task


async def _whatever_comes(work: Work) -> None:
    """An error that the work itself knows nothing of is told, and the work begins anew: nobody else would notice its end."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s ended by an error, and begins again in %.0f s", getattr(work, "__qualname__", work), AGAIN_S)
        else:
            return
        await asyncio.sleep(AGAIN_S)


_going_on: set[asyncio.Task[None]] = set()
