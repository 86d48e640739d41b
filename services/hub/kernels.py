"""What a server says of its kernels, and of when it was last used: asked at its own address, and believed no more than needed.

A server is a program that its user may have replaced. So the question carries a token that opens that server alone, no
redirection is followed, and size, time and depth of an answer have limits. It is not asked through the user proxy, whose own
error pages (no route: 404; no answer: 503) could be taken for the server's word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

# A kernel's model has 250 bytes. Seconds for a whole answer, however slowly it drips.
LONGEST_ANSWER, LONGEST_HEADER, LONGEST_S, CONNECT_S = 256 * 1024, 16 * 1024, 20, 5
GONE = 404


@dataclass(frozen=True)
class Told:
    """`computes` is None where the server gave no clear answer; `why` then says what came instead. `last_used` (UTC, naive, as in
    JupyterHub's database) is None where the server does not tell."""

    computes: bool | None
    why: str = ""
    last_used: datetime | None = None


async def ask(url: str, token: str) -> Told:
    """Whether a kernel of the server at `url` (with its path and a slash) is busy. Never raises.

    Only a list of kernels, or 404 from a program that has no such list and says so, is a clear answer. A sign-in page, an error
    or silence is none: a server may be asked while it is short of memory, or while it cannot reach the hub to check the token.
    """
    client = SimpleAsyncHTTPClient(
        force_instance=True,
        max_body_size=LONGEST_ANSWER,
        max_buffer_size=2 * LONGEST_ANSWER,
        max_header_size=LONGEST_HEADER,
    )
    try:
        # `no_track_activity`: else the question would itself be activity.
        status, kernels = await _get(client, f"{url}api/kernels?no_track_activity=1", token)
        if status == GONE:
            return Told(False)
        computes = any(kernel["execution_state"] == "busy" for kernel in _list(kernels))
        if computes:
            return Told(True)
        _, server = await _get(client, f"{url}api/status?no_track_activity=1", token)
        return Told(False, last_used=_time(server))
    except Exception as error:  # whatever a program of a user's can bring about
        return Told(None, repr(error)[:200])
    finally:
        client.close()


async def _get(client: SimpleAsyncHTTPClient, url: str, token: str) -> tuple[int, Any]:
    """The status, and what the JSON of a good answer says (None with 404). Raises where the answer is neither."""
    request = HTTPRequest(
        url,
        headers={"Authorization": f"token {token}"},
        follow_redirects=False,
        decompress_response=False,
        connect_timeout=CONNECT_S,
        request_timeout=LONGEST_S,
    )
    answer = await client.fetch(request, raise_error=False)
    if answer.code == GONE:
        return GONE, None
    if answer.code != 200:
        raise ValueError(f"status {answer.code}")
    return answer.code, json.loads(answer.body)


def _list(kernels: Any) -> list[Any]:
    if not isinstance(kernels, list):
        raise TypeError("not a list of kernels")
    return kernels


def _time(server: Any) -> datetime | None:
    said = server.get("last_activity") if isinstance(server, dict) else None
    if not isinstance(said, str):
        return None
    when = datetime.fromisoformat(said)
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
