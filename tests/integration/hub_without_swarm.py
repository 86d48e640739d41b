"""The project's own spawner in a real hub, without a swarm: it keeps names, state and clients as ever, and starts nothing."""

from __future__ import annotations

import os
from typing import Any

from services.hub.swarm_spawner import NotebookSpawner

LINES = """
from tests.integration.hub_without_swarm import SwarmlessSpawner
c.JupyterHub.spawner_class = SwarmlessSpawner
c.JupyterHub.allow_named_servers = True
"""


class SwarmlessSpawner(NotebookSpawner):
    """Every server is the one on the port NOTEBOOK_PORT, and runs while it has the id of a service."""

    async def start(self) -> tuple[str, int]:
        self.object_id = f"id-of-{self.object_name}"
        return "127.0.0.1", int(os.environ["NOTEBOOK_PORT"])

    async def stop(self, now: bool = False) -> None:
        self.object_id = ""

    async def poll(self) -> int | str | None:
        return None if self.object_id else 0

    async def get_object(self) -> dict[str, Any] | None:
        return None
