"""A server's service on the swarm: looked for until Docker answers, and removed for certain, with the token made for it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar

from docker.errors import APIError, NotFound
from jupyterhub.utils import AnyTimeoutError, maybe_future
from tornado.httpclient import HTTPRequest, HTTPResponse
from traitlets import Instance, Unicode, observe

from services.hub import server_tokens
from services.hub.named_spawner import NamedSpawner
from services.hub.patience import Patience
from services.hub.start_story import Story
from services.hub.swarm_tasks import ALIVE, Task, is_alive, newest, reason, state

END_SECONDS = 20  # for a container that is told to end: Swarm kills it after 10 s
POLL_SECONDS = 5  # that a page or a request to the hub's API waits for Docker
LAST_LOOK_SECONDS = 30  # after a stop: JupyterHub does not end before


class ServiceSpawner(NamedSpawner):
    """Whether the server lives, where its service is, and its end.

    SwarmSpawner 14 takes an error of Docker for the answer that there is nothing, or lets it through; and of an error JupyterHub
    makes a server that has ended, which it removes.
    """

    story = Instance(Story, (), help="What the spawn page shows of this start.")
    token_hash = Unicode(help="The server's token as the hub's database has it.")

    # Of the hub's own logger, and for all servers: they ask the same engine.
    _patience: ClassVar[Patience] = Patience(logging.getLogger("JupyterHub.docker"))

    @observe("api_token")
    def _remember_token(self, change: Any) -> None:
        """At once: a hub that ends before the start does would not know which token to take back."""
        if change.new and self.orm_spawner is not None:
            self.token_hash = server_tokens.hash_of(self.orm_spawner, change.new)
            self.remember()

    def remember(self) -> None:
        """Store the state, as JupyterHub itself does only after a start."""
        self.orm_spawner.state = self.get_state()
        server_tokens.commit(server_tokens.session(self.orm_spawner))

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.token_hash = state.get("token_hash", "")

    def get_state(self) -> dict[str, Any]:
        known: dict[str, Any] = super().get_state()
        if self.token_hash:
            known |= {"token_hash": self.token_hash, "object_name": self.object_name}
        return known

    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """What Docker answers, asked again until it does. Raises docker.errors.APIError where it refuses."""
        return await self._patience.until_answered(lambda: self.docker(method, *arguments, **options), self._tell_silence)

    def _tell_silence(self, why: str) -> None:
        self.story.remark(f"Docker does not answer ({why}); asking again")

    async def get_object(self) -> dict[str, Any] | None:
        """The service, or None where there is none of its name."""
        try:
            found = dict(await self.ask("inspect_service", self.service_name))
        except NotFound:
            self.object_id = ""
            return None
        self.object_id = found["ID"]
        return found

    async def poll(self) -> int | str | None:
        """None while Swarm has or plans a task for the server, also while it moves between nodes.

        A hub that starts waits for what Docker says, however long: it goes on beside that, after `init_spawners_timeout`.
        Later, a server of which Docker says nothing within some seconds is what it was, which is alive.
        """
        try:
            async with asyncio.timeout(None if self._check_pending else POLL_SECONDS):
                status = await self._status()
                if status is None and self._check_pending:
                    self._keep_though_silent()
                return status
        except TimeoutError:
            return None
        except APIError as error:
            self.log.warning("Docker refuses to tell of the service %s (%s): taken as alive", self.service_name, error)
            return None

    def _keep_though_silent(self) -> None:
        """Of a server that lives and gives a hub that starts no answer within `http_timeout`, JupyterHub makes one that has ended
        (user.py, `_wait_up`). It may wait for the storage, or its node may swap: it is kept, and its user may stop it."""
        server = self.server
        ask = server.wait_up

        async def wait_up(**how: Any) -> Any:
            try:
                return await ask(**how)
            except AnyTimeoutError:
                self.log.warning("%s runs but gave no answer for %s s: it is kept", self._log_name, how["timeout"])
                return HTTPResponse(HTTPRequest(server.url), 504)
            finally:
                del server.wait_up

        server.wait_up = wait_up

    async def _status(self) -> int | str | None:
        try:
            task = newest(await self.tasks())
        except NotFound:
            return 0
        # A service without a task was made a moment ago.
        return None if task is None or is_alive(task) else f"{state(task)}: {reason(task)}"

    async def tasks(self) -> list[Task]:
        """All tasks of the service. Raises docker.errors.NotFound where there is none."""
        return list(await self.ask("tasks", filters={"service": self.service_name}))

    async def remove_object(self) -> None:
        """Remove the service, and wait until its container is gone: its name must not lead to two servers."""
        try:
            await self._look_for_the_token()
            ids = [task["ID"] for task in await self.tasks() if is_alive(task)]
            await self.ask("remove_service", self.object_id or self.service_name)
        except NotFound:
            self.log.debug("Service %s is gone already", self.service_name)
            return
        try:
            async with asyncio.timeout(END_SECONDS):
                await asyncio.gather(*map(self._until_ended, ids))
        except TimeoutError:
            self.log.warning("The container of %s did not end within %d s", self.service_name, END_SECONDS)

    async def _look_for_the_token(self) -> None:
        """Of a server that a hub of an earlier version started, the service alone knows it. Raises docker.errors.NotFound."""
        if self.token_hash:
            return
        service = await self.ask("inspect_service", self.object_id or self.service_name)
        if token := server_tokens.in_service(service):
            self.token_hash = server_tokens.hash_of(self.orm_spawner, token)

    async def _until_ended(self, task_id: str) -> None:
        try:
            while state(await self.ask("inspect_task", task_id)) in ALIVE:
                await asyncio.sleep(0.2)
        except NotFound:
            return

    async def run_post_stop_hook(self) -> None:
        """Remove what JupyterHub leaves: the service of a server that ended by itself, the token of one older than the hub."""
        try:
            async with asyncio.timeout(LAST_LOOK_SECONDS):
                if await self.get_object() is not None:
                    await self.remove_object()
        except (TimeoutError, APIError) as error:
            self.log.warning("Docker does not tell of the service %s (%s): it may have been left", self.service_name, error)
        if self.token_hash:
            server_tokens.revoke(self.orm_spawner, self.token_hash)
            self.token_hash = ""
        await maybe_future(super().run_post_stop_hook())
