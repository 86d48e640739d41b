"""Stopping servers that nobody uses: JupyterHub's idle culler, as a service that the hub starts, and what it may do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

NAME = "idle-culler"
# What the culler's own documentation asks for; the last is for the question whether a kernel computes.
ROLE = {
    "name": NAME,
    "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers", "access:servers"],
    "services": [NAME],
}
NEVER = 100 * 365 * 86400  # seconds
# Beside the hub: its name in the swarm comes only with its first good healthcheck, and the culler looks at once.
HUB_API = "http://127.0.0.1:8081/hub/api"


def service(idle_timeout: int, max_age: int, folder: Path) -> dict[str, Any]:
    """The service for JupyterHub's list. Seconds; 0 is never. `folder` has idle_culler_config.py.

    Activity reaches the hub every five minutes at most, so looking more often than that finds nothing new.
    """
    shortest = min(filter(None, (idle_timeout, max_age)))
    return {
        "name": NAME,
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            f"--url={HUB_API}",
            f"--timeout={idle_timeout or NEVER}",
            f"--max-age={max_age}",
            f"--cull-every={max(5, min(300, shortest // 4))}",
            f"--config={folder / 'idle_culler_config.py'}",
        ],
        # Through the user proxy, as a browser: it knows where each server is.
        "environment": {"SERVERS_URL": "http://userproxy:8000"},
    }
