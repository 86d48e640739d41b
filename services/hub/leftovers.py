"""Servers that the hub has forgotten: services of this hub's users that no user's record leads to any more.

They stay when a hub dies between the database and the swarm, when Docker does not answer while one is stopped, or when the
database is restored. What is in the database is adopted: JupyterHub itself looks at each such server when it starts. Servers of
another hub on the same swarm are told by the address of its API, which no two hubs of a swarm share, and are none of this one's
business.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, NotFound
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from requests import RequestException
from sqlalchemy.orm import Session

from services.hub.service_spec import HUB_LABEL, SERVER_LABEL, USER_LABEL

AFTER_S, AGAIN_S = 60.0, 3600.0  # from the hub's start, when it has looked at the servers that it knows, and from look to look

log = logging.getLogger("jupyterhub.leftovers")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The servers that run or start by the hub's database: user and server of each, and the ids of their services."""

    pairs: frozenset[tuple[str, str]] = frozenset()
    ids: frozenset[str] = frozenset()


def forgotten(services: Iterable[dict[str, Any]], known: Known) -> list[dict[str, Any]]:
    """The services (as the Docker API tells them) with labels of a user's server, of which neither these nor the id is known."""
    labels = ((service, service["Spec"].get("Labels") or {}) for service in services)
    ours = ((service, (has[USER_LABEL], has.get(SERVER_LABEL, ""))) for service, has in labels if USER_LABEL in has)
    return [service for service, pair in ours if pair not in known.pairs and service["ID"] not in known.ids]


def known_servers(db: Session) -> Known:
    """By the hub's database. A server that starts has no id there yet, and one whose user was renamed once has another label."""
    running = db.query(orm.Spawner).filter(orm.Spawner.server != None).all()  # noqa: E711  SQL's own comparison
    ids = (str((row.state or {}).get("object_id") or "") for row in running)
    return Known(pairs=frozenset((row.user.name, row.name) for row in running), ids=frozenset(filter(None, ids)))


async def remove(client: Any, hub: str, known: Callable[[], Known]) -> list[str]:
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
        except (APIError, RequestException) as error:
            log.warning("The forgotten service %s could not be removed, and is tried again later: %s", name, error)
            continue
        log.warning("Removed the service %s: no server of that user is in the hub's database", name)
        removed.append(name)
    return removed


async def look() -> None:
    """Once, by the hub that runs here. What goes wrong is told in its log alone: there is another look."""
    try:
        app = JupyterHub.instance()
        # In a thread: it asks Docker for its version.
        with contextlib.closing(await asyncio.to_thread(docker.APIClient, version="auto")) as client:
            await remove(client, app.hub.api_url, lambda: known_servers(app.db))
    except Exception:
        log.exception("The swarm could not be searched for forgotten servers")


async def remove_for_ever(after_s: float = AFTER_S, again_s: float = AGAIN_S) -> None:
    """Look when the hub has started, and again and again while it runs."""
    await asyncio.sleep(after_s)
    while True:
        await look()
        await asyncio.sleep(again_s)
