"""Whether a notebook server answers: asked by its address, so that no name is looked up, and often, since asking is cheap."""

from __future__ import annotations

import asyncio


async def answers(host: str, port: int, path: str, connect_s: float = 1.0, answer_s: float = 20.0) -> bool:
    """Whether an HTTP server at the address gives any answer but an error of its own (5xx) to GET `path`.

    A server that has opened its port, but is not ready, keeps the question and answers once it is: the moment is not missed.
    """
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), connect_s)
    except (OSError, TimeoutError):
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        status = await asyncio.wait_for(reader.readline(), answer_s)
    except (OSError, TimeoutError, ValueError):  # the last: a line without an end
        return False
    finally:
        writer.close()
    return status[:8] in (b"HTTP/1.0", b"HTTP/1.1") and status[9:10] in (b"2", b"3", b"4")
