"""services/hub/readiness.py: what a program in a notebook's place may answer."""

from __future__ import annotations

import asyncio

import pytest

from services.hub.readiness import answers


@pytest.mark.parametrize(
    ("said", "ready"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n", False),
        (b"", False),
        (b"a line without an end " * 10_000, False),
    ],
)
def test_a_server_is_ready_when_it_answers_as_a_web_server_does(said: bytes, ready: bool) -> None:
    async def says(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async def asked() -> bool:
        async with await asyncio.start_server(says, "127.0.0.1", 0) as server:
            return await answers("127.0.0.1", server.sockets[0].getsockname()[1], "/api")

    assert asyncio.run(asyncio.wait_for(asked(), 60)) is ready
