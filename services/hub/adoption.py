"""A start that a hub before this one began: taken over and seen to its end, as if no hub had ended meanwhile.

JupyterHub stores a server's address and state only after its start. A hub that starts before that finds a server that lives at
an address that is made up, waits for it there, and ends it. So the look at such a server (a `poll` while `_check_pending`)
goes on with the start itself, in the place where JupyterHub keeps its own starts (`_spawn_future`): the spawn page shows it, and
its user may stop it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from services.hub import profiles, server_tokens
from services.hub.service_spec import HUB_LABEL, SERVER_LABEL, USER_LABEL, environment
from services.hub.start_errors import StartError
from services.hub.swarm_tasks import is_alive, newest, reason

if TYPE_CHECKING:
    from services.hub.swarm_spawner import NotebookSpawner

LOOK_S = 0.1  # JupyterHub tells of its own steps by plain variables only
STOP_BEGINS_S = 5  # JupyterHub begins to stop a start that it has cancelled after 1 s
STOPPED = "stopped by its user while it started"


def is_unfinished(spawner: NotebookSpawner) -> bool:
    """Whether the hub that has just started finds a server whose start was never seen to its end."""
    return bool(spawner._check_pending and spawner.server and not spawner.server.ip)


async def go_on(spawner: NotebookSpawner) -> int | str | None:
    """What `poll` says of such a server once its start is over: None where it answers, else why it does not."""
    service = await find(spawner)
    if service is None:
        return 0
    know_again(spawner, service)
    spawner.log.info("Going on with the start of %s, which an earlier hub began", spawner._log_name)
    outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    spawner._spawn_pending = True
    going_on = spawner._spawn_future = asyncio.create_task(_to_its_end(spawner, service, outcome))

    def over(start: asyncio.Task[None]) -> None:
        # As JupyterHub does with its own: the page shows why a start failed, and nothing of any other.
        if start.cancelled() or start.exception() is None:
            spawner._spawn_future = None

    going_on.add_done_callback(over)
    status = await outcome
    if status == STOPPED:
        await _until_stopped(spawner)
    return status


async def find(spawner: NotebookSpawner) -> dict[str, Any] | None:
    """The server's service by its name, or by its labels where a name would be another today; None where there is none."""
    if (found := await spawner.get_object()) is not None:
        return found
    labels = {HUB_LABEL: spawner.hub.api_url, USER_LABEL: spawner.user.name}
    services = await spawner.ask("services", filters={"label": [f"{key}={value}" for key, value in labels.items()]})
    return next((dict(one) for one in services if one["Spec"]["Labels"].get(SERVER_LABEL, "") == spawner.name), None)


def know_again(spawner: NotebookSpawner, service: dict[str, Any]) -> None:
    """Take from the database and the service what only the hub that made it knew."""
    with contextlib.suppress(StartError):  # a kind of server that is offered no more
        profiles.apply(spawner, spawner.user_options.get("profile"))
    spawner.object_id, spawner.object_name = service["ID"], service["Spec"]["Name"]
    spawner.port = urlsplit(environment(service).get("JUPYTERHUB_SERVICE_URL", "")).port or spawner.port
    if not spawner.token_hash:
        spawner.api_token = server_tokens.in_service(service)


async def _to_its_end(spawner: NotebookSpawner, service: dict[str, Any], outcome: asyncio.Future[str | None]) -> None:
    """The rest of the start, and then what JupyterHub does after one. `outcome` gets what `poll` says."""
    try:
        spawner.server.ip, spawner.server.port = await _finish(spawner, service)
        spawner.remember()
        outcome.set_result(None)
        while spawner._check_pending or spawner._stop_pending:
            await asyncio.sleep(LOOK_S)
        if spawner.server is None:
            raise StartError("Your server started, but the hub could not reach it. Please start it again.")
        await spawner.user.settings["proxy"].add_user(spawner.user, spawner.name)
    except asyncio.CancelledError:
        _tell(outcome, STOPPED)
        raise
    except StartError as error:
        # JupyterHub's own log says no more than that the server has stopped.
        told = error.jupyterhub_message
        spawner.log.warning("The start of %s, which an earlier hub began, failed: %s", spawner._log_name, told)
        _tell(outcome, told)
        raise
    except Exception as error:
        _tell(outcome, f"the start could not be taken over: {error}")
        raise
    finally:
        spawner._spawn_pending = False


async def _finish(spawner: NotebookSpawner, service: dict[str, Any]) -> tuple[str, int]:
    """Where the server answers. One that has ended is started once more, with the token that it had: a notebook server that
    reaches no hub gives up after 46 s (JupyterHub 5.5.4, singleuser/extension.py, check_hub_version)."""
    task = newest(await spawner.tasks())
    if task is None or is_alive(task):
        return await spawner.finish_start()
    spawner.log.warning("%s ended while no hub was there (%s); starting it once more", spawner._log_name, reason(task))
    spawner.api_token = server_tokens.in_service(service)
    await spawner.run_pre_spawn_hook()
    return await spawner.start()


def _tell(outcome: asyncio.Future[str | None], status: str) -> None:
    if not outcome.done():
        outcome.set_result(status)


async def _until_stopped(spawner: NotebookSpawner) -> None:
    """Leave the stop to whoever cancelled the start: JupyterHub refuses one while a check goes on."""
    spawner._check_pending = False
    loop = asyncio.get_running_loop()
    end = loop.time() + STOP_BEGINS_S
    while spawner._stop_pending or (spawner.server is not None and loop.time() < end):
        await asyncio.sleep(LOOK_S)
