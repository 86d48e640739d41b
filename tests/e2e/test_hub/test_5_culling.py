"""Culling on the lab: an idle server is stopped; one that computes in silence is not, nor by a restart of the user proxy."""

from __future__ import annotations

from tests.e2e.deployment import Deployment
from tests.e2e.hub_client import HubUser
from tests.e2e.test_hub.conftest import IDLE_S, Unattended
from tests.e2e.waiting import wait_for

# The culler looks four times in that time, and the hub hears of activity in five minutes.
LOOK, SLACK = IDLE_S // 4, 300


def test_an_idle_server_is_stopped_and_a_silent_one_that_computes_is_not(deployment: Deployment, unattended: Unattended) -> None:
    idle, busy = unattended.idle, unattended.busy
    wait_for("the idle server to be stopped", lambda: idle.server() is None, limit_s=IDLE_S + SLACK + 2 * LOOK, every_s=5)
    assert busy.server() is not None
    wait_for("a look at the busy server", lambda: spared(deployment, busy), limit_s=SLACK + 2 * LOOK, every_s=5)
    assert busy.server() is not None


def spared(deployment: Deployment, user: HubUser) -> bool:
    """Whether the culler has told the hub's log that it left the user's server alone."""
    # Not `docker service logs`, which reads those of all earlier hubs too, and did not end within three minutes once.
    logged = deployment.manager.run("sh", "-c", f"docker logs --tail 500 {deployment.manager.container_of('hub')} 2>&1")
    return f"/user/{user.name}/ stays, since a kernel computes" in logged
