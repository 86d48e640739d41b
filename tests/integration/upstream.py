"""A stand-in for the user proxy that sees how requests come: by which connection, and uploads piece by piece."""

import hashlib
import json
import socket
from typing import Any

from tornado.web import RequestHandler, stream_request_body

from tests.integration.serving import EchoSocket, Serving

LARGE = 64 * 1024**2


class _Tell(RequestHandler):
    """Says what was asked: `headers`, and `peer`, the port at the other end of the connection."""

    def get(self) -> None:
        connection: Any = self.request.connection
        peer = connection.stream.socket.getpeername()[1]
        self.write(json.dumps({"headers": dict(self.request.headers), "peer": peer}))


class _Static(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/css" if self.request.path.endswith(".css") else "text/html")
        self.write("p { margin: 0 }\n" * 1000)


@stream_request_body
class _Upload(RequestHandler):
    """Answers with the SHA-256 of what came."""

    def initialize(self, upstream: "Upstream") -> None:
        self._upstream, self._hash = upstream, hashlib.sha256()

    def prepare(self) -> None:
        self._upstream.received = 0

    def data_received(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self._upstream.received += len(chunk)

    def put(self) -> None:
        self.write(self._hash.hexdigest())


class _Large(RequestHandler):
    """More than all buffers on the way hold."""

    def get(self) -> None:
        self.write(bytes(LARGE))


class _Cookies(RequestHandler):
    """An answer with headers of so many KiB."""

    def get(self, kib: str) -> None:
        for number in range(int(kib) // 2):
            self.add_header("Set-Cookie", f"c{number}=" + "x" * 2030)
        self.write("many cookies")


class Upstream(Serving):
    """`received` is the bytes of the upload so far, `port` where it listens."""

    @classmethod
    def on_this_machine(cls) -> "Upstream":
        """One on any port of 127.0.0.1."""
        return cls(socket.create_server(("127.0.0.1", 0)))

    def __init__(self, listening: socket.socket) -> None:
        self.received, self.port = 0, int(listening.getsockname()[1])
        routes: list[Any] = [
            ("/upload", _Upload, {"upstream": self}),
            ("/.*/socket", EchoSocket),
            ("/large", _Large),
            (r"/cookies/(\d+)", _Cookies),
            ("/static/.*|/page", _Static),
            ("/.*", _Tell),
        ]
        super().__init__(listening, routes, max_body_size=1024**3, max_header_size=128 * 1024)
