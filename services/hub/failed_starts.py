"""Gathers the facts about a start that failed: the log's end, the node, the room there is; start_errors.py words them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from services.hub.node_room import is_up, name_of, rooms
from services.hub.patience import FAILED
from services.hub.service_spec import placement
from services.hub.start_errors import Failure, Need, StartError, explain, no_room
from services.hub.swarm_tasks import Task, reason, state

if TYPE_CHECKING:
    from services.hub.swarm_spawner import NotebookSpawner

LOG_LINES, LOG_SECONDS = 12, 10


async def task_failed(spawner: NotebookSpawner, task: Task | None) -> StartError:
    """Why the task ended, or was given up."""
    node = await _node(spawner, task)
    return explain(
        Failure(
            state=state(task),
            said=reason(task),
            node=name_of(node) if node else "",
            node_is_up=is_up(node) if node else True,
            image=spawner.image,
            memory_limit=spawner.mem_limit or 0,
            log=await log_end(spawner),
        )
    )


async def found_no_room(spawner: NotebookSpawner, task: Task | None) -> StartError:
    """Which nodes there are, and how much of each is free."""
    need = Need(
        memory=spawner.mem_guarantee or 0,
        cpus=spawner.cpu_guarantee or 0,
        gpus=spawner.gpus,
        constraints=tuple(placement(spawner)["constraints"] or ()),
    )
    nodes, tasks = await asyncio.gather(spawner.ask("nodes"), spawner.ask("tasks"))
    return no_room(need, rooms(need, nodes, tasks), reason(task), spawner.room_timeout)


async def log_end(spawner: NotebookSpawner) -> tuple[str, ...]:
    """The last lines that the server wrote; none where they cannot be had."""
    # In a thread, to its end: docker-py gives the log piece by piece.
    asked = asyncio.get_running_loop().run_in_executor(spawner.executor, _log, spawner.client, spawner.object_id)
    try:
        text = await asyncio.wait_for(asked, LOG_SECONDS)
    except FAILED:
        return ()
    return tuple(line for line in text.decode(errors="replace").splitlines() if line.strip())


def _log(client: Any, service: str) -> bytes:
    return b"".join(client.service_logs(service, stdout=True, stderr=True, tail=LOG_LINES))


async def _node(spawner: NotebookSpawner, task: Task | None) -> dict[str, Any] | None:
    try:
        return dict(await spawner.docker("inspect_node", (task or {})["NodeID"]))
    except (KeyError, *FAILED):
        return None
