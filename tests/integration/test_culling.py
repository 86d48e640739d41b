"""Culling with the real hub and the real culler: who is idle is stopped, who computes is not, by what the kernels say."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components import sign_in
from components.sign_in import Auth
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.unit.hub_files import SETTINGS

IDLE_S, LIMIT_S = 6, 60


class Notebooks(ThreadingHTTPServer):
    """One server for everybody's notebooks: `busy` names whose kernel computes; `asked` is what the culler asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.busy: set[str] = set()
        self.asked: list[tuple[str, str]] = []


class Answer(BaseHTTPRequestHandler):
    """Any path is there; a list of kernels is one kernel."""

    server: Notebooks

    def do_GET(self) -> None:
        user = self.path.split("/")[2] if self.path.count("/") > 2 else ""
        if "/api/kernels" in self.path:
            self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        body = json.dumps([{"execution_state": "busy" if user in self.server.busy else "idle"}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def notebooks() -> Iterator[Notebooks]:
    """The notebooks, for one test."""
    server = Notebooks()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub(tmp_path: Path, notebooks: Notebooks) -> Iterator[HubProcess]:
    """A hub that stops servers after IDLE_S seconds."""
    people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
    settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=False, idle_timeout=IDLE_S)
    extra = f'c.JupyterHub.services[0]["environment"]["SERVERS_URL"] = "http://127.0.0.1:{notebooks.server_port}"\n'
    made = HubProcess(tmp_path, settings, free_port(), extra, notebooks.server_port)
    made.start()
    yield made
    made.stop()


def started(hub: HubProcess, name: str) -> BrowserSession:
    """A user whose server runs: the hub starts it at the sign-in."""
    user = BrowserSession(hub.url)
    user.post("hub/login", username=name, password=SECRETS["password"])
    assert user.model()["servers"], hub.log()[-3000:]
    return user


def stopped(user: BrowserSession) -> bool:
    """Whether the user's server is stopped within the limit."""
    end = time.monotonic() + LIMIT_S
    while user.model()["servers"]:
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def test_an_idle_server_is_stopped_and_one_whose_kernel_computes_only_when_it_has_done(
    hub: HubProcess, notebooks: Notebooks
) -> None:
    notebooks.busy.add("ben")
    ada, ben = started(hub, "ada"), started(hub, "ben")
    assert stopped(ada), hub.log()[-3000:]
    asked = {path for path, _ in notebooks.asked}
    assert asked == {f"/user/{name}/api/kernels?no_track_activity=1" for name in ("ada", "ben")}
    assert all(header.startswith("token ") for _, header in notebooks.asked)
    # Asked a second time, and still there.
    end = time.monotonic() + LIMIT_S
    while sum("/ben/" in path for path, _ in notebooks.asked) < 2:
        assert time.monotonic() < end
        time.sleep(0.5)
    assert ben.model()["servers"]
    notebooks.busy.clear()
    assert stopped(ben), hub.log()[-3000:]
