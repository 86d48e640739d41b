"""The spawner: dockerspawner's SwarmSpawner that looks often, tells what it sees, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from docker.errors import APIError, NotFound
from docker.types import Mount, RestartPolicy
from jupyterhub.utils import maybe_future, url_path_join
from traitlets import Dict, Float, Instance, Integer, List, Unicode, default

from services.hub import adoption, failed_starts, profiles, service_spec
from services.hub.node_room import name_of
from services.hub.patience import FAILED, FIRST_S, is_refusal
from services.hub.readiness import answers
from services.hub.service_spawner import ServiceSpawner
from services.hub.start_errors import StartError, gib, silent
from services.hub.swarm_tasks import Task, TaskWatch, address, is_alive, reason, state

CREATE_TRIES, CONFLICT = 5, 409
LONGEST_BETWEEN_LOOKS_S = 5.0  # where Docker answers


class NotebookSpawner(ServiceSpawner):
    """Starts each server as a service of one task on the overlay network.

    What differs from SwarmSpawner 14: volumes are mounted as volumes (it binds host paths), and a hook may add more. A start
    is over when the notebook answers, found by short looks for all servers at once (it looks after 0, 1, 2.5, 4.8, 8.1 s and
    so on, and JupyterHub's wait for the answer backs off too). The spawn page tells what happens. A start that fails says
    why. A server that its user shut down stays down (Swarm would restart it), and a stop is over when the container is gone.
    """

    room_timeout = Float(60, config=True, help="Seconds that a server waits for a node with room before its start fails.")
    profiles = List(Dict(), config=True, help="Kinds of servers to choose from, as components/profiles.py renders them.")
    placement_constraints = List(Unicode(), config=True, help="What a node must be for any server, such as node.role==worker.")
    node_label = Unicode("", config=True, help="A label, such as gpu==a100, that a node must have for the next server.")
    gpus = Integer(0, config=True, help="GPUs of the next server.")
    answer_poll_seconds = Float(0.05, help="Seconds between two questions to a notebook that starts, for each that starts.")
    home_mounts = List(
        trait=Instance(Mount), help="Mounts for the next start, as docker.types.Mount; set by the hook that makes homes."
    )
    home_environment = Dict(help="Variables for the next start; set by the same hook.")

    # dockerspawner has one thread for all requests to Docker: 50 starts at once would wait for each other.
    _executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="docker")
    _watch: ClassVar[TaskWatch | None] = None
    _node_names: ClassVar[dict[str, str]] = {}
    _starting: ClassVar[set[int]] = set()

    @default("extra_task_spec")
    def _never_restart(self) -> dict[str, Any]:
        return {"restart_policy": RestartPolicy(condition="none")}

    @default("extra_endpoint_spec")
    def _without_virtual_address(self) -> dict[str, Any]:
        return {"mode": "dnsrr"}

    @default("options_from_form")
    def _profile_from_form(self) -> Any:
        return profiles.from_form

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
        """As ServiceSpawner says; and a start that the hub before this one did not see to its end goes on, to its end."""
        if adoption.is_unfinished(self):
            return await adoption.go_on(self)
        return await super().poll()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        async for event in self.story.events():
            yield event

    async def run_pre_spawn_hook(self) -> None:
        profiles.apply(self, self.user_options.get("profile"))
        self.name_anew()
        if self.pre_spawn_hook:
            self.story.tell(5, "Looking for your home")
        await maybe_future(super().run_pre_spawn_hook())

    async def start(self) -> tuple[str, int]:
        """The name and port to find the server at, once it answers. Raises StartError with what the user should know."""
        return await self._within_the_limits(super().start())

    async def finish_start(self) -> tuple[str, int]:
        """What `start` gives, of a server whose service is there already."""

        async def the_rest() -> tuple[str, int]:
            await self.start_object()
            found: tuple[str, int] = await self.get_ip_and_port()
            return found

        return await self._within_the_limits(the_rest())

    async def _within_the_limits(self, starting: Coroutine[Any, Any, tuple[str, int]]) -> tuple[str, int]:
        self._starting.add(id(self))
        try:
            # A little less than JupyterHub's own limit, which says less.
            async with asyncio.timeout(self.start_timeout - min(5, self.start_timeout / 10)):
                return await starting
        except TimeoutError:
            raise StartError(
                f"Your server did not start within {self.start_timeout:.0f} s. The last that was seen: {self.story.last}. "
                "Please try again; if it happens again, tell an administrator."
            ) from None
        except APIError as error:
            raise StartError(f"Docker refused your server: {error.explanation}. Please tell an administrator.") from error
        except FAILED as error:
            raise StartError(f"Docker does not answer ({error}). Please try again in a minute.") from error
        finally:
            self._starting.discard(id(self))

    async def create_object(self) -> dict[str, Any]:
        """Create the service. One of the same name that is there makes room first."""
        self.story.tell(10, "Asking the swarm for a place")
        arguments = service_spec.arguments(self, await self.get_command())
        if self.token_hash:
            self.remember()  # the name too, which may have changed with the image
        for tries_left in reversed(range(CREATE_TRIES)):
            try:
                return dict(await self.docker("create_service", **arguments))
            except FAILED as error:
                conflict = isinstance(error, APIError) and error.status_code == CONFLICT
                if is_refusal(error) or not (conflict or tries_left):
                    raise
                self.log.warning("The service %s could not be created: %s", self.service_name, error)
            await asyncio.sleep(0 if conflict else FIRST_S)
            # Of an earlier server; or of this one, where Docker did what it was asked to but could not say so.
            if await self.get_object() is not None:
                await self.remove_object()
        raise StartError("An earlier server of yours does not go away. Please try again in a minute.")

    async def start_object(self) -> None:
        """Wait until the notebook answers. Raises StartError with the reason when it cannot."""
        task = await self._until_running()
        node = await self._node_name(task)
        self.story.tell(70, f"Started on {node}; waiting for the notebook to answer")
        host = address(task, self.network_name) or self.service_name
        asking = asyncio.create_task(self._until_it_answers(host))
        watching = asyncio.create_task(self._until_it_fails())
        try:
            done, _ = await asyncio.wait((asking, watching), timeout=self.http_timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            watching.cancel()
        for finished in done:
            finished.result()
        if not done:
            raise silent(node, self.image, self.http_timeout, await failed_starts.log_end(self))
        self.story.tell(95, "The notebook answers")

    async def _until_running(self) -> Task:
        loop = asyncio.get_running_loop()
        pending_s, looked = 0.0, loop.time()
        while True:
            task = await self._next_look()
            # While Docker did not answer, room may have been there.
            passed, looked = min(loop.time() - looked, LONGEST_BETWEEN_LOOKS_S), loop.time()
            if task is not None and not is_alive(task):
                raise await failed_starts.task_failed(self, task)
            pending_s = pending_s + passed if state(task) in ("new", "pending") else 0.0
            if pending_s > self.room_timeout:
                raise await failed_starts.found_no_room(self, task)
            await self._tell(task)
            if task is not None and state(task) == "running":
                return task

    async def _until_it_answers(self, host: str) -> None:
        path = url_path_join(self.server.base_url if self.server else "/", "api")
        began = time.monotonic()
        while not await answers(host, self.port, path):
            # What has taken long takes long still: asking each fiftieth of the time finds it one hundredth later, on average.
            waited = time.monotonic() - began
            await asyncio.sleep(max(self.answer_poll_seconds * max(1, len(self._starting)), waited / 50))

    async def _until_it_fails(self) -> None:
        while True:
            task = await self._next_look()
            if task is None or not is_alive(task):
                raise await failed_starts.task_failed(self, task)
            await asyncio.sleep(1)

    async def _next_look(self) -> Task | None:
        cls = type(self)
        watch = cls._watch = cls._watch or TaskWatch(lambda services: self.docker("tasks", filters={"service": services}))
        try:
            return await self._patience.until_answered(lambda: watch.next_look(self.object_id), self._tell_silence)
        except NotFound:
            raise StartError("Your server was removed while it started. Please start it again.") from None

    async def _tell(self, task: Task | None) -> None:
        match state(task):
            case "pending" if "no suitable node" in reason(task):
                self.story.tell(15, f"Waiting for a node with {gib(self.mem_guarantee or 0)} of memory free")
            case "assigned" | "accepted" | "preparing":
                self.story.tell(30, f"Preparing the image {self.image} on {await self._node_name(task)}")
            case "ready" | "starting":
                self.story.tell(50, f"Starting on {await self._node_name(task)}")

    async def _node_name(self, task: Task | None) -> str:
        node_id = (task or {}).get("NodeID", "")
        if node_id and node_id not in self._node_names:
            try:
                self._node_names[node_id] = name_of(await self.ask("inspect_node", node_id))
            except NotFound:
                return "a node that is gone"
        return self._node_names.get(node_id, "a node")
