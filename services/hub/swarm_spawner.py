"""The spawner: dockerspawner's SwarmSpawner with volumes of its own, quick and honest start detection, and no resurrections."""

from __future__ import annotations

import asyncio
from typing import Any

from docker.types import Mount, RestartPolicy
from dockerspawner import SwarmSpawner
from traitlets import Dict, Float, Instance, List, default

ALIVE = frozenset({"new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"})


class NotebookSpawner(SwarmSpawner):  # type: ignore[misc]  # dockerspawner has no types
    """Starts each server as a service of one task on the overlay network.

    What differs from SwarmSpawner 14: volumes are mounted as volumes (it binds host paths), and a hook may add more; the
    start is looked at every half second (its back-off grows to 11 s); a task that Swarm rejects fails at once, and one that
    finds no room fails after `room_timeout`, both with Swarm's own reason (it waits for the whole start time-out); a server
    that its user shut down stays down (Swarm would restart it).
    """

    start_poll_seconds = Float(0.5, config=True, help="Seconds between two looks at a starting task.")
    room_timeout = Float(60, config=True, help="Seconds that a server waits for a node with room before its start fails.")

    home_mounts = List(
        trait=Instance(Mount), help="Mounts for the next start, as docker.types.Mount; set by the hook that makes homes."
    )
    home_environment = Dict(help="Variables for the next start; set by the same hook.")

    @default("extra_task_spec")
    def _never_restart(self) -> dict[str, Any]:
        return {"restart_policy": RestartPolicy(condition="none")}

    @default("extra_endpoint_spec")
    def _without_virtual_address(self) -> dict[str, Any]:
        return {"mode": "dnsrr"}

    @property
    def mounts(self) -> list[Mount]:
        volumes = [
            Mount(target=target["bind"], source=volume, type="volume", read_only=target["mode"] == "ro")
            for volume, target in self.volume_binds.items()
        ]
        return [*self.home_mounts, *volumes]

    def get_env(self) -> dict[str, str]:
        return {**super().get_env(), **self.home_environment}

    async def poll(self) -> int | str | None:
        """None while Swarm has or plans a task for the server, also while it moves between nodes."""
        task = await self.newest_task()
        if task is None:
            return 0
        status = task["Status"]
        return None if status["State"] in ALIVE else f"{status['State']}: {reason(status)}"

    async def newest_task(self) -> dict[str, Any] | None:
        """The latest task of the server's service, or None where there is no service or no task yet."""
        if await self.get_object() is None:
            return None
        tasks = await self.docker("tasks", filters={"service": self.service_name})
        return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)

    async def get_task(self) -> dict[str, Any] | None:
        return await self.newest_task()

    async def start_object(self) -> None:
        """Wait until the task runs. Raises RuntimeError with Swarm's reason when it cannot."""
        loop = asyncio.get_running_loop()
        pending_since = loop.time()
        while True:
            task = await self.newest_task()
            if task is None and not self.object_id:  # get_object forgets the id of a service that is gone
                raise RuntimeError("the notebook server was removed while it started")
            status = task["Status"] if task else {"State": "new"}
            state = status["State"]
            if state == "running":
                return
            if state not in ALIVE:
                raise RuntimeError(f"the notebook server did not start ({state}): {reason(status)}")
            if state not in ("new", "pending"):
                pending_since = loop.time()
            elif loop.time() - pending_since > self.room_timeout:
                raise RuntimeError(f"no node has room for the notebook server: {reason(status)}")
            await asyncio.sleep(self.start_poll_seconds)


def reason(status: dict[str, Any]) -> str:
    """What Swarm says of a task, in its own words."""
    return str(status.get("Err") or status.get("Message") or "no reason given")
