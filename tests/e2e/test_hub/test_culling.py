"""Culling on the lab: an idle server is stopped; one that computes in silence is not, nor by a restart of the user proxy."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import HubUser
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")

# The shortest time that a stack may have. The culler looks four times in it, and the hub hears of activity in five minutes.
TIMEOUT, LOOK, SLACK = 600, 150, 300


@pytest.fixture
def strict(deployment: Deployment) -> Iterator[None]:
    """The stack stops servers after ten minutes."""
    with deployment.own_settings() as stack:
        stack.set("idleTimeout", "10m")
        log.info("idleTimeout 10m: %s", stack.up())
        deployment.wait_for_hub()
        yield


def stopped(user: HubUser) -> bool:
    """Whether the user's server is gone."""
    return user.server() is None


@pytest.mark.usefixtures("strict")
def test_an_idle_server_is_stopped_and_a_silent_one_that_computes_is_not(deployment: Deployment) -> None:
    deployment.ensure_workers(1)
    idle, busy = (deployment.sign_in(f"{PREFIX}{name}") for name in ("idle", "busy"))
    for user in (idle, busy):
        user.start()
    kernel = busy.open_kernel()
    seconds = TIMEOUT + 2 * SLACK + 3 * LOOK
    # Asked for and left alone: the browser is closed, and the kernel says nothing until it has done.
    kernel.begin(f"import time; time.sleep({seconds})")
    kernel.close()
    # Without its routes the user proxy has an answer of its own for every server.
    deployment.manager.run("docker", "kill", deployment.manager.container_of("userproxy"))
    wait_for("the idle server to be stopped", lambda: stopped(idle), limit_s=TIMEOUT + SLACK + 2 * LOOK, every_s=5)
    assert not stopped(busy)
    wait_for("a look at the busy server", lambda: spared(deployment, busy), limit_s=SLACK + 2 * LOOK, every_s=5)
    assert not stopped(busy)
    busy.stop()


def spared(deployment: Deployment, user: HubUser) -> bool:
    """Whether the culler has told the hub's log that it left the user's server alone."""
    # Not `docker service logs`, which reads those of all earlier hubs too, and did not end within three minutes once.
    logged = deployment.manager.run("sh", "-c", f"docker logs --tail 500 {deployment.manager.container_of('hub')} 2>&1")
    return f"/user/{user.name}/ stays, since a kernel computes" in logged
