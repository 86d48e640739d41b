"""services/hub/readiness.py against real sockets: what counts as an answer of a notebook server."""

from __future__ import annotations

import asyncio

import pytest

from services.hub.readiness import answers


async def asked(answer: bytes) -> bool:
    """Whether this counts as an answer."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        return await answers("127.0.0.1", server.sockets[0].getsockname()[1], "/api")


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 302 Found\r\n\r\n", True),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n", False),
        (b"", False),
        (b"HTTP/1.1 200 " + bytes(1024**2), False),
    ],
    ids=["good", "redirection", "refusal", "own error", "other program", "nothing", "line without end"],
)
def test_an_answer_is_a_line_of_http_without_an_error_of_the_servers_own(answer: bytes, good: bool) -> None:
    assert asyncio.run(asked(answer)) is good
