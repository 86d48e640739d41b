"""The idle culler's configuration: a server with a kernel that computes is in use, even when it is silent.

Jupyter counts messages as activity, and a kernel sends none while it computes without output (jupyter_server 2.21,
kernelmanager.py, `start_watching_activity`); with the browser closed, the culler would stop it in the middle.
"""

import json
import os
from datetime import timedelta
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from traitlets.config import Config

c: Config = get_config()  # type: ignore[name-defined]  # noqa: F821  the culler provides it


async def unused(inactive: timedelta, inactive_limit: int, server: dict[str, Any]) -> bool:
    """Whether a server has been inactive for the limit, in seconds, and none of its kernels computes."""
    return inactive.total_seconds() >= inactive_limit and not await computes(server)


async def computes(server: dict[str, Any]) -> bool:
    """Whether a kernel of the server is busy. A server that does not answer, or is no Jupyter server, counts as not.

    `no_track_activity`: else the question would itself be activity.
    """
    request = HTTPRequest(
        f"{os.environ['SERVERS_URL']}{server['url']}api/kernels?no_track_activity=1",
        headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
        follow_redirects=False,
        request_timeout=20,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request)
        busy = any(kernel.get("execution_state") == "busy" for kernel in json.loads(answer.body))
    except Exception as error:  # whatever comes of a program that a user may have replaced
        print(f"idle culler: {server['url']} does not tell of its kernels: {error}", flush=True)
        return False
    if busy:
        print(f"idle culler: {server['url']} stays, since a kernel computes", flush=True)
    return busy


c.IdleCuller.cull_arbiter_hook = unused
