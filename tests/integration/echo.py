"""A stand-in for what is behind the front door: it echoes on any websocket, and tells what it was asked on any other path."""

import json
import socket

from tornado.web import RequestHandler

from tests.integration.serving import EchoSocket, Serving


class _Tell(RequestHandler):
    def get(self) -> None:
        self.write(json.dumps({"path": self.request.path, "headers": dict(self.request.headers)}))


class Echo(Serving):
    """Echoes at /echo."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(listening, [("/echo", EchoSocket), ("/.*", _Tell)])
