"""A worker that stands still for half a minute, as in a live migration or a snapshot, loses nobody's work."""

from __future__ import annotations

import logging
import time

from websocket import WebSocketException

from components.swarm_commands import HEARTBEAT_S
from tests.e2e.conftest import Witness
from tests.e2e.deployment import Deployment
from tests.e2e.health import check
from tests.e2e.kernel import KernelError
from tests.e2e.pauses import standing_still
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")

PAUSE, ANSWER, RECOVERY = 30, 60, 180  # seconds
TASK = ("docker", "service", "ps", "--no-trunc", "--format", "{{.ID}} {{.DesiredState}}")
PERIOD = ("docker", "info", "--format", "{{.Swarm.Cluster.Spec.Dispatcher.HeartbeatPeriod.Seconds}}")


def test_the_swarm_waits_a_minute_for_a_node_that_is_silent(deployment: Deployment) -> None:
    assert deployment.manager.run(*PERIOD).strip() == str(HEARTBEAT_S)


def test_a_worker_that_stands_still_for_half_a_minute_keeps_its_kernels(deployment: Deployment, witness: Witness) -> None:
    deployment.ensure_workers(1)
    witness.user.start()
    before, tasks = witness.user.server(), deployment.manager.run(*TASK, witness.service)
    worker = deployment.cloud.server_id(f"{deployment.stack.name}-{deployment.manager.node_of(witness.service)}")
    with standing_still(worker):
        began = time.monotonic()
        # People come and go meanwhile, and the hub looks at its servers each 30 s.
        wait_for(
            f"{PAUSE} s, with the log-in page there all the time",
            lambda: deployment.page_answers() and time.monotonic() - began > PAUSE,
            limit_s=2 * PAUSE,
        )
        log.info("the worker stood still for %.0f s", time.monotonic() - began)
    wait_for("the kernel to answer", lambda: knows_its_value(witness), limit_s=RECOVERY)
    log.info("the kernel answered %.0f s after the worker had stopped", time.monotonic() - began)
    assert deployment.manager.run(*TASK, witness.service) == tasks
    after = witness.user.server()
    assert before is not None and after is not None
    assert (after["started"], after["ready"]) == (before["started"], True)
    check(deployment)


def knows_its_value(witness: Witness) -> bool:
    """Whether the kernel remembers. As a browser does, it is asked over another websocket where the first one is of no use."""
    try:
        if witness.kernel.broken:
            witness.kernel.connect(RECOVERY)
        return witness.kernel.value("remembered", ANSWER) == repr(witness.value)
    except (KernelError, WebSocketException) as trouble:
        log.info("asking over another websocket: %s", trouble)
        witness.kernel.close()
        return False
