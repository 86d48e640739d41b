"""Fixtures of the suite `door`: a websocket on which nobody says anything, open while all else is tested."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import HubUser
from tests.e2e.kernel import Kernel

# Jupyter would ping every 30 s. Other programs' websockets do not; this makes its the same.
NO_PINGS = """
from pathlib import Path
file = Path.home() / ".jupyter" / "jupyter_server_config.py"
file.parent.mkdir(exist_ok=True)
file.write_text('c.ServerApp.tornado_settings = {"ws_ping_interval": 0}')
"""


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A user whose kernel's websocket carries nothing, not even pings, from `since` (time.monotonic) on."""

    user: HubUser
    kernel: Kernel
    since: float


@pytest.fixture(scope="package")
def silent(deployment: Deployment) -> Iterator[Silent]:
    """Opened when a test first asks for it."""
    user = deployment.sign_in(f"{PREFIX}silent")
    user.start()
    kernel = user.open_kernel()
    assert kernel.run(NO_PINGS).error == ""
    kernel.close()
    user.stop()
    user.start()
    kernel = user.open_kernel()
    assert kernel.value("6*7") == "42"
    yield Silent(user=user, kernel=kernel, since=time.monotonic())
    if not kernel.broken:
        kernel.run(f"{NO_PINGS}\nfile.unlink()")
        kernel.close()
    user.stop()


def peak_memory(deployment: Deployment) -> int:
    """Bytes: the sum of what each process of the front door has had in memory at most."""
    container = deployment.manager.container_of("proxy")
    shown = deployment.manager.run("docker", "exec", container, "sh", "-c", "cat /proc/[0-9]*/status")
    return sum(int(text) * 1024 for text in re.findall(r"VmHWM:\s+(\d+) kB", shown))
