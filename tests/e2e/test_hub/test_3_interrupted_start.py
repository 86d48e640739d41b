"""A hub that dies in the middle of a start: the next one finds the server, and its user goes on as if nothing had been."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import SPAWN_LIMIT, STOP_LIMIT, HubError, HubUser
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")


@pytest.fixture
def user(deployment: Deployment) -> Iterator[HubUser]:
    """Somebody without a server, before and after."""
    deployment.ensure_workers(1)
    made = deployment.sign_in(f"{PREFIX}middle")
    made.stop()
    yield made
    made.stop()


def begin(user: HubUser) -> threading.Thread:
    """Ask for the user's server. What the hub answers is lost with the hub."""

    def ask() -> None:
        with contextlib.suppress(requests.RequestException, HubError):
            user.request("POST", f"hub/api/users/{user.name}/server", 201, 202)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    return asking


def tasks(deployment: Deployment, service: str) -> list[str]:
    """The ids of all tasks that the service has had; none where there is no service."""
    if service not in deployment.manager.services():
        return []
    return deployment.manager.run("docker", "service", "ps", "--quiet", "--no-trunc", service).split()


def test_a_hub_that_dies_in_the_middle_of_a_start_leaves_it_to_the_next_hub(deployment: Deployment, user: HubUser) -> None:
    service = f"jupyter-{user.name}"
    asking = begin(user)
    begun = wait_for("the service", lambda: tasks(deployment, service), limit_s=SPAWN_LIMIT, every_s=0.2)
    deployment.manager.run("docker", "kill", deployment.manager.container_of("hub"))
    asking.join()
    deployment.wait_for_hub()
    found = user.server()
    assert found is not None, "the new hub has forgotten the server"
    log.info("the new hub found the server %s", "ready" if found["ready"] else f"pending {found['pending']}")
    wait_for("the server", lambda: (user.server() or {}).get("ready"), limit_s=SPAWN_LIMIT)
    assert tasks(deployment, service) == begun, "the server was started anew"
    kernel = user.open_kernel()
    assert kernel.value("6*7") == "42"
    kernel.close()
    user.stop()
    wait_for("the service to go", lambda: service not in deployment.manager.services(), limit_s=STOP_LIMIT)
