"""Servers that the hub has forgotten: services of this hub's users that no user's record leads to any more.

They stay when a hub dies between the database and the swarm, or when its database is restored. What is in the database is
adopted: JupyterHub itself looks at each such server when it starts. Servers of another hub on the same swarm are told by the
address of its API, which no two hubs of a swarm share, and are none of this one's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

import docker
from docker.errors import NotFound
from jupyterhub import orm
from jupyterhub.app import JupyterHub

from services.hub.service_spec import HUB_LABEL, SERVER_LABEL, USER_LABEL

AFTER_S = 60.0  # from the hub's start: by then it has looked at the servers it knows

log = logging.getLogger("jupyterhub.leftovers")


def forgotten(services: Iterable[dict[str, Any]], known: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """The services (as the Docker API tells them) whose labels name a user's server that is not among the known ones."""
    labels = ((service, service["Spec"].get("Labels") or {}) for service in services)
    return [service for service, has in labels if USER_LABEL in has and (has[USER_LABEL], has.get(SERVER_LABEL, "")) not in known]


def known_servers(app: JupyterHub) -> set[tuple[str, str]]:
    """User and server name of all servers that run or start by the hub's database."""
    rows = app.db.query(orm.Spawner).filter(orm.Spawner.server != None)  # noqa: E711  SQL's own comparison
    return {(row.user.name, row.name) for row in rows}


async def remove(client: Any, hub: str, known: Callable[[], set[tuple[str, str]]]) -> list[str]:
    """Remove the forgotten services of the hub with this API address; their names. Who is known is asked after the list is
    made: a server that starts meanwhile is in the database before it is in the swarm."""
    services = await asyncio.to_thread(client.services, filters={"label": f"{HUB_LABEL}={hub}"})
    removed = []
    for service in forgotten(services, known()):
        name = service["Spec"]["Name"]
        try:
            await asyncio.to_thread(client.remove_service, service["ID"])
        except NotFound:
            continue
        log.warning("Removed the service %s: no server of that user is in the hub's database", name)
        removed.append(name)
    return removed


async def remove_later(after_s: float = AFTER_S) -> None:
    """Look once, when the hub has started."""
    await asyncio.sleep(after_s)
    try:
        app = JupyterHub.instance()
        await remove(docker.APIClient(version="auto"), app.hub.api_url, lambda: known_servers(app))
    except Exception:
        log.exception("The swarm could not be searched for forgotten servers")
