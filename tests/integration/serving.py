"""Tornado handlers behind a socket, in a thread: what the stand-ins for the user proxy are made of."""

import asyncio
import socket
import threading
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class EchoSocket(WebSocketHandler):
    """Sends back what it hears."""

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


class Serving:
    """Serves a socket that listens already, in a thread of its own, until it is stopped. `options` are HTTPServer's."""

    def __init__(self, listening: socket.socket, routes: list[Any], **options: int) -> None:
        self._listening, self._routes, self._options = listening, routes, options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listening.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = HTTPServer(Application(self._routes), **self._options)
        self._listening.setblocking(False)
        server.add_sockets([self._listening])
        self._loop.run_forever()
