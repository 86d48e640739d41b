"""The user proxy goes and comes back, two ways: websockets break, everything else is there again soon after it listens. Last of
the suite, for the sake of the others' websockets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.userproxy import SOCKET
from tests.e2e.conftest import Witness
from tests.e2e.deployment import Deployment
from tests.e2e.outage import Watch
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")

LIMIT = 600  # seconds, for a container's start on an emulated machine
BEYOND_S = 5.0  # a page may be away for so much longer than nobody listens at the user proxy's socket
LOOKING = "/tmp/user-proxy-looked-at"  # in the hub's container
# For the hub's container, which has the socket: prints for how long nobody listened there.
LOOK = f"""
import pathlib, socket, time
def listens():
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(5)
        try:
            tried.connect({SOCKET!r})
        except OSError:
            return False
        return True
def wait(wanted):
    while listens() != wanted:
        time.sleep(0.1)
    return time.monotonic()
wait(True)
mark = pathlib.Path({LOOKING!r})
mark.touch()
went = wait(False)
print(wait(True) - went)
mark.unlink()
"""


def killed_container(deployment: Deployment) -> None:
    """As if it had run out of memory."""
    deployment.manager.run("docker", "kill", deployment.manager.container_of("userproxy"))


def forced_update(deployment: Deployment) -> None:
    """A new task, as another image brings it."""
    deployment.manager.run("docker", "service", "update", "--force", "--quiet", "userproxy", limit_s=LIMIT)


@pytest.mark.parametrize("disturb", [killed_container, forced_update])
def test_pages_are_back_soon_after_the_user_proxy_listens_again(
    deployment: Deployment, witness: Witness, disturb: Callable[[Deployment], None]
) -> None:
    in_hub = ("docker", "exec", deployment.manager.container_of("hub"))
    with ThreadPoolExecutor(1) as side, Watch(deployment, f"user/{witness.user.name}/api") as watch:
        looking = side.submit(deployment.manager.run, *in_hub, "python3", "-c", LOOK, limit_s=LIMIT)
        looked_at = (*in_hub, "sh", "-c", f"test -e {LOOKING} && echo yes || true")
        wait_for("the look at the socket to begin", lambda: "yes" in deployment.manager.run(*looked_at), limit_s=LIMIT)
        disturb(deployment)
        start_s = float(looking.result())
        wait_for("the notebook's page to be back", lambda: watch.is_over, limit_s=LIMIT)
    log.info(
        "%s: %.1f s without a notebook's page, %.1f s of them until the user proxy listened; %s meanwhile",
        *(disturb.__name__, watch.down_s, start_s, sorted(watch.statuses)),
    )
    # 424 is the hub's, for the moment in which its own route is there and the notebook's is not.
    assert watch.statuses <= {502, 503, 504, 424}
    assert watch.down_s - start_s <= BEYOND_S
    deployment.wait_for_hub()
    witness.kernel.connect(LIMIT)
    assert witness.kernel.value("remembered") == repr(witness.value)
