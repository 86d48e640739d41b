"""A stand-in for the user proxy that sees how requests come: by which connection, and uploads piece by piece."""

import asyncio
import hashlib
import json
import socket
import threading
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler


class _Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


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


class Upstream:
    """Serves a socket that listens already, in a thread of its own. `received` is the bytes of the upload so far."""

    def __init__(self, listening: socket.socket) -> None:
        self.received = 0
        self._listening = listening
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listening.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        routes: list[Any] = [
            ("/upload", _Upload, {"upstream": self}),
            ("/.*/socket", _Echo),
            ("/static/.*|/page", _Static),
            ("/.*", _Tell),
        ]
        server = HTTPServer(Application(routes), max_body_size=1024**3, max_header_size=128 * 1024)
        self._listening.setblocking(False)
        server.add_sockets([self._listening])
        self._loop.run_forever()
