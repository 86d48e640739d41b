"""Requests per second for one small file. The function runs in a notebook too, so it needs nothing but Python's own library."""

from __future__ import annotations

import inspect
import json
import logging
from typing import Any

from tests.e2e.hub_client import HubUser
from tests.e2e.kernel import Kernel

log = logging.getLogger("e2e")

FILE = "static/logo/logo.png"


def rate(url: str, ca_file: str, seconds: float) -> dict[str, float]:
    """Ask for a file over one connection for so long: requests per second, p50 and p99 in milliseconds."""
    import http.client
    import ssl
    import time
    from urllib.parse import urlsplit

    parts, took = urlsplit(url), []
    host = str(parts.hostname)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or None)
        connection = http.client.HTTPSConnection(host, parts.port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=60)  # type: ignore[assignment]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        if answer.status != 200 or not answer.read():
            raise AssertionError(f"{url} answered {answer.status}")
        took.append(time.monotonic() - began)
    took.sort()
    return {"rate": len(took) / sum(took), "p50": 1000 * took[len(took) // 2], "p99": 1000 * took[len(took) * 99 // 100]}


def rate_from_notebook(kernel: Kernel, url: str, seconds: float) -> dict[str, float]:
    """The same, asked by the notebook itself."""
    call = f"{inspect.getsource(rate)}\nimport json\nprint(json.dumps(rate({url!r}, '', {seconds})))"
    output = kernel.run("from __future__ import annotations\n" + call, limit_s=seconds + 120)
    assert output.error == "", output.error
    return dict(json.loads(output.printed))


def file_of(user: HubUser, base: str) -> str:
    """The address of the file of a user's server, by the door, the user proxy or the server itself."""
    return f"{base.rstrip('/')}/user/{user.name}/{FILE}"


def tell(way: str, seen: dict[str, Any]) -> None:
    """A line for the log."""
    log.info("%-12s %7.1f requests/s, p50 %6.1f ms, p99 %6.1f ms", way, seen["rate"], seen["p50"], seen["p99"])
