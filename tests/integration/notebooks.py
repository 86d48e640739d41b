"""Programs in the place of everybody's notebooks: what each answers is the test's choice, and all that they are sent is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Sent:
    """A request that reached a notebook."""

    server: str  # as in /user/<server>/, such as ada or ada/gpu
    path: str
    headers: dict[str, str]
    at: float  # by time.monotonic()


# Called with a request that asks for kernels, before it is answered; gives the status, and what the body says.
Answer = Callable[[Sent], tuple[int, Any]]


def kernels(state: str) -> Answer:
    """One kernel in this state."""
    return lambda _sent: (200, [{"execution_state": state}])


def status(code: int) -> Answer:
    """This status, and a page."""
    return lambda _sent: (code, "a page")


class Notebooks(ThreadingHTTPServer):
    """One server for all; `answers` by name of the server, of a resting kernel otherwise. `sent` is all that came.

    `greetings` are what servers answer when the hub asks at their start whether they are there, `states` when they are asked for
    their own state.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.greetings: dict[str, Answer] = {}
        self.states: dict[str, Answer] = {}
        self.sent: list[Sent] = []

    def asked(self, server: str) -> list[Sent]:
        """The questions for the kernels of a server."""
        return [sent for sent in self.sent if sent.server == server and "/api/kernels" in sent.path]


class Handler(BaseHTTPRequestHandler):
    """Any path is there."""

    server: Notebooks

    def do_GET(self) -> None:
        user, _, rest = self.path.removeprefix("/user/").partition("/")
        named = rest.partition("/api")[0] if not rest.startswith("api") else ""
        sent = Sent("/".join(filter(None, (unquote(user), unquote(named)))), self.path, dict(self.headers), time.monotonic())
        self.server.sent.append(sent)
        code, body = 200, {"version": "5"}
        if "/api/kernels" in self.path:
            code, body = self.server.answers.get(sent.server, kernels("idle"))(sent)
        elif "/api/status" in self.path and sent.server in self.server.states:
            code, body = self.server.states[sent.server](sent)
        elif self.path.endswith("/api") and sent.server in self.server.greetings:
            code, body = self.server.greetings[sent.server](sent)
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def running() -> Iterator[Notebooks]:
    """The notebooks, while they are needed."""
    server = Notebooks()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
