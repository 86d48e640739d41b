"""The question to a server, asked of real servers on this machine: clear answers, unclear ones, and those that mean harm."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from services.hub import kernels
from services.hub.kernels import Told

TOKEN = "token-for-ada"
# What comes after a request has been read: pieces, one after the other.
Pieces = Callable[[str], AsyncIterator[bytes]]


def page(body: object, status: str = "200 OK", *headers: str) -> bytes:
    """An answer of HTTP with this body: bytes as they are, anything else as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + text


def at_once(answer: bytes, state: bytes = page({"last_activity": "2026-11-25T10:00:00.5Z"})) -> Pieces:
    """`answer` to the question for kernels, `state` to that for the server's own state."""

    async def pieces(path: str) -> AsyncIterator[bytes]:
        yield answer if "/api/kernels" in path else state

    return pieces


def forever(head: bytes, piece: bytes) -> Pieces:
    """A head, and then the same piece until the asker leaves."""

    async def pieces(_path: str) -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece

    return pieces


async def silence(_path: str) -> AsyncIterator[bytes]:
    """Nothing, and the connection stays open."""
    await asyncio.Event().wait()
    yield b""


async def drip(_path: str) -> AsyncIterator[bytes]:
    """A good answer, a byte at a time."""
    for byte in page([{"execution_state": "idle"}] * 1000):
        yield bytes([byte])
        await asyncio.sleep(0.01)


@asynccontextmanager
async def server(pieces: Pieces, heads: list[str]) -> AsyncIterator[str]:
    """Its URL, as the hub knows that of a server; `heads` are the requests that came."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            async for piece in pieces(heads[-1].split()[1]):
                writer.write(piece)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/user/ada/"
    finally:
        listening.close()


def told(pieces: Pieces, heads: list[str] | None = None) -> Told:
    """What comes of asking a server that answers with these pieces."""

    async def asked() -> Told:
        async with server(pieces, [] if heads is None else heads) as url:
            return await kernels.ask(url, TOKEN)

    return asyncio.run(asked())


def test_the_question_is_no_activity_and_carries_only_the_token_that_it_was_given() -> None:
    heads: list[str] = []
    told(at_once(page([])), heads)
    assert [head.split()[1] for head in heads] == [
        "/user/ada/api/kernels?no_track_activity=1",
        "/user/ada/api/status?no_track_activity=1",
    ]
    for head in heads:
        fields = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        assert fields.pop("Authorization") == f"token {TOKEN}"
        assert set(fields) <= {"Host", "Connection", "User-Agent"}


@pytest.mark.parametrize("states", [["busy"], ["idle", "busy"]])
def test_a_busy_kernel_computes(states: list[str]) -> None:
    assert told(at_once(page([{"execution_state": state} for state in states]))) == Told(True)


@pytest.mark.parametrize("states", [[], ["idle"], ["starting", "dead"]])
def test_other_kernels_do_not_and_the_server_says_when_it_was_last_used(states: list[str]) -> None:
    answer = told(at_once(page([{"execution_state": state} for state in states])))
    assert answer == Told(False, last_used=datetime(2026, 11, 25, 10, 0, 0, 500000))


@pytest.mark.parametrize("state", [page({}), page([]), page("x", "404 Not Found"), page({"last_activity": 7})])
def test_a_server_need_not_say_when_it_was_last_used(state: bytes) -> None:
    assert told(at_once(page([]), state)) == Told(False)


def test_a_program_that_has_no_kernels_and_says_so_does_not_compute() -> None:
    assert told(at_once(page(b"<html>none</html>", "404 Not Found"))) == Told(False)


@pytest.mark.parametrize(
    "answer",
    [
        page([], "503 Service Unavailable"),
        page([], "403 Forbidden"),
        page([], "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
        page([], "302 Found", "Location: http://169.254.169.254/"),
        page({"message": "busy"}),
        page([1]),
        page([{}]),
        page(b"<html>an app for every path</html>"),
        page(b"[" * 200_000),
        page(b"[" + b"9" * 100_000 + b"]"),
        page(b"\xff\xfe"),
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b"",
    ],
)
def test_anything_else_is_no_clear_answer(answer: bytes) -> None:
    unclear = told(at_once(answer))
    assert unclear.computes is None
    assert unclear.why
    assert "\n" not in unclear.why


def test_an_answer_to_the_second_question_that_is_none_is_unclear_as_a_whole() -> None:
    assert told(at_once(page([]), page({"last_activity": "yesterday\n"}))).computes is None
    assert told(at_once(page([]), page({}, "500 Internal Server Error"))).computes is None


def test_a_redirection_is_not_followed() -> None:
    heads: list[str] = []
    told(at_once(page([], "302 Found", "Location: /user/ada/elsewhere")), heads)
    assert len(heads) == 1


def test_nobody_who_listens_is_no_clear_answer() -> None:
    async def asked() -> Told:
        async with server(silence, []) as url:
            pass
        return await kernels.ask(url, TOKEN)

    assert asyncio.run(asked()).computes is None


@pytest.mark.parametrize("pieces", [silence, drip])
def test_a_server_that_takes_its_time_is_left(monkeypatch: pytest.MonkeyPatch, pieces: Pieces) -> None:
    monkeypatch.setattr(kernels, "LONGEST_S", 0.3)
    assert told(pieces).computes is None


MIB = b" " * 2**20


@pytest.mark.parametrize(
    "pieces",
    [
        forever(b"HTTP/1.1 200 OK\r\n\r\n", MIB),
        forever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MIB + b"\r\n"),
        forever(b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n" * 1000),
        at_once(page(b"[" + MIB + b"]")),
        at_once(page(gzip.compress(MIB * 256), "200 OK", "Content-Encoding: gzip")),
    ],
)
def test_an_answer_without_end_or_measure_is_cut_off(pieces: Pieces) -> None:
    assert told(pieces).computes is None
