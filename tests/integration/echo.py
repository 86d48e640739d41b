"""A stand-in for what is behind the front door: it echoes on any websocket, and tells what it was asked on any other path."""

import asyncio
import json
import socket
import threading

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class _Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


class _Tell(RequestHandler):
    def get(self) -> None:
        self.write(json.dumps({"path": self.request.path, "headers": dict(self.request.headers)}))


class Echo:
    """Serves a socket that listens already, in a thread of its own, until it is stopped."""

    def __init__(self, listening: socket.socket) -> None:
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
        server = HTTPServer(Application([("/echo", _Echo), ("/.*", _Tell)]))
        self._listening.setblocking(False)
        server.add_sockets([self._listening])
        self._loop.run_forever()
