"""The hub goes and comes back, three ways; kernels answer on the same websocket before, meanwhile and after."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import Witness
from tests.e2e.deployment import Deployment
from tests.e2e.outage import Watch
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")

LIMIT = 900  # seconds, for `pulumi up` and a hub's start on emulated machines


def forced_update(deployment: Deployment) -> None:
    """The same hub anew."""
    deployment.manager.run("docker", "service", "update", "--force", "--quiet", "hub", limit_s=LIMIT)


def changed_configuration(deployment: Deployment) -> None:
    """Another jupyterhub_config: a setting, `pulumi up`, and nothing but the hub is replaced."""
    deployment.stack.set("notebookCpuGuarantee", "0.15")
    changes = deployment.stack.up()
    log.info("pulumi up: %s", changes)
    services = {name for names in changes.names.values() for name in names if name in ("hub-hub", "hub-userproxy", "proxy-nginx")}
    assert services == {"hub-hub"}, changes.names


def killed_container(deployment: Deployment) -> None:
    """As if it had run out of memory."""
    deployment.manager.run("docker", "kill", deployment.manager.container_of("hub"))


@pytest.mark.parametrize("disturb", [forced_update, changed_configuration, killed_container])
def test_a_kernel_answers_on_the_same_websocket_while_the_hub_is_away(
    deployment: Deployment, witness: Witness, disturb: Callable[[Deployment], None]
) -> None:
    before = witness.user.server()
    answers, until = 0, time.monotonic() + LIMIT
    with Watch(deployment) as watch, ThreadPoolExecutor(1) as side:
        doing = side.submit(disturb, deployment)
        while not (doing.done() and watch.is_over):
            witness.assert_unharmed()
            answers += 1
            assert time.monotonic() < until, f"the hub is not back after {LIMIT} s"
            time.sleep(0.5)
        doing.result()
    log.info("%s: %.1f s without the log-in page; the kernel answered %d times in all", disturb.__name__, watch.down_s, answers)
    assert any("The hub is restarting, your notebook is still running" in page for page in watch.pages), watch.pages[:3]
    after = wait_for("the hub to know the server", witness.user.server, limit_s=LIMIT)
    assert before is not None
    assert (after["started"], after["ready"]) == (before["started"], True)
    witness.assert_unharmed()
