"""What stands in for the swarm in tests of the real hub, put in its place by the hub's own extra configuration."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner


class RememberedRoutes(Proxy):  # type: ignore[misc]  # JupyterHub has no types
    """A proxy that only remembers its routes; the tests ask the hub itself."""

    should_start = False  # there is nothing to start

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._routes: dict[str, dict[str, Any]] = {}

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self._routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self._routes.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        return dict(self._routes)


class OneServerSpawner(Spawner):  # type: ignore[misc]
    """Every server is the same one, which the test runs on the port NOTEBOOK_PORT."""

    running = False

    async def start(self) -> tuple[str, int]:
        self.running = True
        return "127.0.0.1", int(os.environ["NOTEBOOK_PORT"])

    async def stop(self, now: bool = False) -> None:
        self.running = False

    async def poll(self) -> int | None:
        return None if self.running else 0
