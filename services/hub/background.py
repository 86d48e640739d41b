"""Work beside the hub's own, in its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def begin(work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None] | None:
    """From the hub's configuration, which JupyterHub reads inside its event loop: begin, and go on until the hub ends.

    None where no hub starts, as for `jupyterhub --generate-config`.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    task = loop.create_task(work())
    _going_on.add(task)  # the loop alone would let it be collected
    return task


_going_on: set[asyncio.Task[None]] = set()
