"""The tasks of servers as the Docker API tells them: which one counts, whether it lives, and one look for all that start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from docker.errors import NotFound

ALIVE = frozenset({"new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"})
WANTED = frozenset({"", "ready", "running"})  # what Swarm wants of a task that it has not given up
# Looking takes a sixth of the time at most, on a slow or busy machine too; but one answer that hung makes nobody wait for long.
PACE, LONGEST_S = 5, 2.0

Task = dict[str, Any]
# Asks for the tasks of the services with these ids.
Ask = Callable[[list[str]], Awaitable[list[Task]]]


def newest(tasks: list[Task]) -> Task | None:
    """The latest of a service's tasks: the one that counts, however many a move between nodes has left."""
    return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)


def state(task: Task | None) -> str:
    """The task's state; `new` where Swarm has not made one yet."""
    return str(task["Status"]["State"]) if task else "new"


def is_alive(task: Task) -> bool:
    """Whether Swarm has the task or plans it. A task on a node that went down keeps its state, but Swarm wants it no more."""
    return state(task) in ALIVE and task.get("DesiredState", "") in WANTED


def reason(task: Task | None) -> str:
    """What Swarm says of a task, in its own words."""
    status = task["Status"] if task else {}
    return str(status.get("Err") or status.get("Message") or "no reason given")


def address(task: Task, network: str) -> str:
    """The task's address on the overlay network of that name, empty where it has none."""
    attachments = task.get("NetworksAttachments") or ()
    found = [one["Addresses"] for one in attachments if one["Network"]["Spec"]["Name"] == network and one.get("Addresses")]
    return str(found[0][0]).partition("/")[0] if found else ""


class TaskWatch:
    """Looks at the tasks of all services that somebody waits for, in one request for all.

    The Docker API has no events for tasks (`docker events` knows containers of its own node only), so somebody must look.
    `quick_s` is the time between looks while one server starts; each further one adds `share_s`, for when many start, they
    take long, and looking would take the processor time that they start with. For the same reason a pause is PACE times as long
    as the look before it took, at least, or LONGEST_S.
    """

    def __init__(self, ask: Ask, quick_s: float = 0.1, share_s: float = 0.01) -> None:
        self._ask, self._quick_s, self._share_s = ask, quick_s, share_s
        self._waiting: dict[str, asyncio.Future[Task | None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._took_s = 0.0

    async def next_look(self, service: str) -> Task | None:
        """The newest task of the service (by its id) at the next look, None where there is none yet.

        Raises docker.errors.NotFound where the service is gone.
        """
        future = self._waiting.get(service)
        if future is None:
            future = self._waiting[service] = asyncio.get_running_loop().create_future()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_waited_for())
        return await asyncio.shield(future)

    async def _look_while_waited_for(self) -> None:
        while self._waiting:
            await asyncio.sleep(
                max(self._quick_s + self._share_s * (len(self._waiting) - 1), min(PACE * self._took_s, LONGEST_S))
            )
            waiting, self._waiting = self._waiting, {}
            began = time.monotonic()
            await self._look(waiting)
            self._took_s = time.monotonic() - began
            await asyncio.sleep(0)  # whoever got an answer may wait for the next one now

    async def _look(self, waiting: dict[str, asyncio.Future[Task | None]]) -> None:
        try:
            tasks = await self._ask(list(waiting))
        except NotFound as gone:
            # Docker refuses the whole question when one of the services is gone; it does not say which.
            if len(waiting) == 1:
                _fail(waiting, gone)
            else:
                await asyncio.gather(*(self._look({service: future}) for service, future in waiting.items()))
            return
        except Exception as error:
            _fail(waiting, error)
            return
        for service, future in waiting.items():
            if not future.done():
                future.set_result(newest([task for task in tasks if task.get("ServiceID") == service]))


def _fail(waiting: dict[str, asyncio.Future[Task | None]], error: Exception) -> None:
    for future in waiting.values():
        if not future.done():
            future.set_exception(error)
            future.exception()  # seen: whoever asked may have been cancelled
