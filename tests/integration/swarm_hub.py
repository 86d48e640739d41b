"""The real hub with the project's real spawner, on the network of the notebooks of a real swarm, as a process of the tests.

It runs in the network of a container that does nothing else, so that it finds servers by their names as the hub's own container
does. What the tests ask it goes the same way.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from components.hub_files import HubSettings
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.hub_process import HubProcess, free_port
from tests.integration.netns import Network

TOKEN = "0123456789abcdef0123456789abcdef"
WAIT_S = 120
EXTRA = """
import os
os.environ["DOCKER_HOST"] = {docker!r}
c.JupyterHub.spawner_class = "services.hub.swarm_spawner.NotebookSpawner"
c.NotebookSpawner.args = []
c.NotebookSpawner.image = {image!r}
c.NotebookSpawner.placement_constraints = []
c.JupyterHub.services.append(dict(name="tests", api_token={token!r}))
c.JupyterHub.load_roles.append(
    dict(name="tests", scopes=["admin:users", "admin:servers", "proxy", "read:tokens", "access:servers"], services=["tests"])
)
"""
# Runs a program in a network of names: its resolver is Docker's.
NAMES = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
T_ = TypeVar("T_")


class SwarmHub(HubProcess):
    """A hub below `folder` whose servers are services of `engine`, asked over `docker_host`."""

    def __init__(self, folder: Path, settings: HubSettings, engine: DockerEngine, extra: str, docker_host: str = "") -> None:
        self._engine, self._port = engine, free_port()
        own = EXTRA.format(docker=docker_host or engine.host, image=IMAGE, token=TOKEN)
        super().__init__(folder, settings, self._port, own + extra)
        self._resolver = folder / "resolv.conf"
        self._resolver.write_text("nameserver 127.0.0.11\noptions ndots:0\n")
        engine.docker("service", "create", "--quiet", "--name", "hub", "--no-resolve-image", "--network", "jupyterhub",
                      "--endpoint-mode", "dnsrr", IMAGE, *WAIT_COMMAND)  # fmt: skip
        place = self._container("hub", "{{.NetworkSettings.SandboxKey}}")
        self._sandbox = f"/proc/{engine.network.pid}/root{place}"
        self._network = Network(engine.network.pid, self._sandbox)

    def _container(self, service: str, field: str) -> str:
        (container,) = self._engine.docker("container", "ls", "--quiet", "--filter", f"name={service}.").split()
        return self._engine.docker("container", "inspect", "--format", field, container)

    def command(self) -> list[str]:
        names = ["unshare", "--mount", "sh", "-c", NAMES, "sh", str(self._resolver)]
        return ["nsenter", f"--net={self._sandbox}", *names, *super().command()]

    def answers(self) -> bool:
        try:
            return self.request("GET", "hub/health")[0] == 200
        except OSError:
            return False

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer of the hub to the tests' own service."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.sock = self._network.connect("127.0.0.1", self._port, timeout_s=WAIT_S)
        try:
            connection.request(
                method, f"/{path}", json.dumps(body) if body is not None else None, {"Authorization": f"token {TOKEN}"}
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text and "json" in answer.headers.get("Content-Type", "") else text.decode()

    def first_of(self, path: str, patience_s: float = 3) -> str:
        """What an answer that goes on says within some time."""
        connection = self._network.connect("127.0.0.1", self._port, patience_s)
        told = b""
        with connection, contextlib.suppress(TimeoutError):
            connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: hub\r\nAuthorization: token {TOKEN}\r\n\r\n".encode())
            while piece := connection.recv(65536):
                told += piece
        return told.decode()

    def begin(self, user: str) -> None:
        """Make the user and ask for the server, which may take its time."""
        assert self.request("POST", f"hub/api/users/{user}")[0] == 201
        self.begin_again(user)

    def begin_again(self, user: str) -> None:
        """Ask for the server of a user who is there."""
        status, told = self.request("POST", f"hub/api/users/{user}/server")
        assert status in (201, 202), (status, told, self.log()[-3000:])

    def end(self, user: str) -> int:
        """Ask for the end of the user's server; the hub's answer."""
        return self.request("DELETE", f"hub/api/users/{user}/server")[0]

    def server(self, user: str) -> dict[str, Any]:
        """The user's server as the hub tells it; empty where it has none."""
        return dict(self.request("GET", f"hub/api/users/{user}")[1]["servers"].get("", {}))

    def is_ready(self, user: str) -> bool:
        return bool(self.server(user).get("ready"))

    def target(self, user: str) -> str | None:
        """Where the proxy leads the user; None where it has no way."""
        routes: dict[str, dict[str, str]] = self.request("GET", "hub/api/proxy")[1]
        return routes.get(f"/user/{user}/", {}).get("target")

    def kept_of(self, user: str) -> tuple[int, int]:
        """Tokens and OAuth clients that the hub's database has for the user's server."""
        with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True, timeout=WAIT_S) as database:
            tokens = database.execute("select count(*) from api_tokens where note = ?", (f"Server at /user/{user}/",))
            clients = database.execute("select count(*) from oauth_clients where identifier = ?", (f"jupyterhub-user-{user}",))
            return int(tokens.fetchone()[0]), int(clients.fetchone()[0])

    def until(self, what: Callable[[], T_], limit_s: float = WAIT_S) -> T_:
        """The first answer that is something. Fails with the end of the hub's log."""
        end = time.monotonic() + limit_s
        while not (found := what()):
            assert time.monotonic() < end, f"not seen within {limit_s} s:\n{self.log()[-6000:]}"
            time.sleep(0.2)
        return found

    def kill(self) -> None:
        """End the hub as a node that loses its power does."""
        assert self._process is not None
        os.kill(self._process.pid, 9)
        self._process.wait()
