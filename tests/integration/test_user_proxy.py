"""The real user proxy alone and with the real hub: it may be killed at any moment, and ends nobody's slow request."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from components import sign_in
from components.sign_in import Auth
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.integration.upstream import Upstream
from tests.integration.user_proxy_process import UserProxyProcess, unpack_image
from tests.unit.hub_files import SETTINGS

TOKEN = SECRETS["proxy-token"]
PEOPLE = ("ada", "ben", "cleo", "dora", "emil")
# For a machine that has other work. JupyterHub by itself would take 300 s.
LIMIT_S = 60
# A hub with the real way to its user proxy, and a service behind it.
EXTRA = """
from services.hub import socket_proxy
socket_proxy.SOCKET = {socket!r}
c.JupyterHub.proxy_class = socket_proxy.SocketProxy
c.JupyterHub.services.append({{"name": "hello", "url": "http://127.0.0.1:{notebooks}"}})
"""
# Before all else in the process: a server's time for one whole request, 300 s by Node's default, is 1 s.
IMPATIENT = """
import http from "node:http";
const { createServer } = http;
http.createServer = (...given) => {
  const [listener, options] = given.reverse();
  return createServer({ ...options, requestTimeout: 1000, connectionsCheckingInterval: 100 }, listener);
};
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's files."""
    folder = Path(tmp_path_factory.mktemp("userproxy"))
    unpack_image(folder)
    return folder


@pytest.fixture
def user_proxy(root: Path) -> Iterator[UserProxyProcess]:
    """A user proxy that a test starts."""
    made = UserProxyProcess(root, free_port(), TOKEN)
    made.socket.unlink(missing_ok=True)
    yield made
    made.kill()


@pytest.fixture
def notebooks() -> Iterator[Upstream]:
    """What answers in the place of everybody's notebook."""
    running = Upstream.on_this_machine()
    yield running
    running.stop()


@pytest.fixture
def hub(tmp_path: Path, user_proxy: UserProxyProcess, notebooks: Upstream) -> Iterator[HubProcess]:
    """A hub that a test starts."""
    people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
    settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=False)
    extra = EXTRA.format(socket=str(user_proxy.socket), notebooks=notebooks.port)
    made = HubProcess(tmp_path, settings, free_port(), extra, notebooks.port)
    yield made
    made.stop()


@pytest.fixture
def site(hub: HubProcess, user_proxy: UserProxyProcess) -> tuple[HubProcess, UserProxyProcess]:
    """Both run, and everybody has a server."""
    user_proxy.start()
    hub.start()
    for name in PEOPLE:
        start_server(hub, name)
    assert user_proxy.routes() == routes_of(*PEOPLE)
    return hub, user_proxy


def start_server(hub: HubProcess, name: str) -> None:
    """Sign in, which starts the server."""
    user = BrowserSession(hub.url)
    user.post("hub/login", username=name, password=SECRETS["password"])
    assert user.model()["servers"], hub.log()[-3000:]


def routes_of(*people: str) -> set[str]:
    """What a user proxy must have for these people's servers."""
    return {"/", "/services/hello", *(f"/user/{name}" for name in people)}


def wait_for(what: str, true: Callable[[], bool], hub: HubProcess) -> float:
    """Wait for something; returns the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < LIMIT_S, f"{what}: not within {LIMIT_S} s:\n{hub.log()[-3000:]}"
        time.sleep(0.02)
    return time.monotonic() - began


class Visitor:
    """Asks for a notebook's page all the time, by the user proxy: `seen` is what came, 0 for no answer, and when."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[float, int]] = []
        self._url, self._ended = url, threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _visit(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._ended.wait(0.02):
                try:
                    status = session.get(self._url, timeout=LIMIT_S, allow_redirects=False).status_code
                except requests.RequestException:
                    status = 0
                self.seen.append((time.monotonic(), status))


def test_a_user_proxy_that_was_killed_has_all_routes_soon_after_it_is_back(site: tuple[HubProcess, UserProxyProcess]) -> None:
    hub, user_proxy = site
    with Visitor(f"{user_proxy.url}user/ada/page") as visitor:
        wait_for("the page", lambda: bool(visitor.seen), hub)
        killed = time.monotonic()
        user_proxy.kill()
        user_proxy.start()
        back = time.monotonic()
        took = wait_for("the routes", lambda: user_proxy.routes() == routes_of(*PEOPLE), hub)
        wait_for("the page", lambda: visitor.seen[-1][1] == 200, hub)
    missed = [at for at, status in visitor.seen if status != 200]
    away_s, start_s = max(missed) - killed, back - killed
    print(f"{away_s:.1f} s without the page, {start_s:.1f} s of them for the start; routes {took:.1f} s after it")
    # Programs would believe a "not found" in between.
    assert {status for _, status in visitor.seen} <= {0, 200, 503}


def test_it_is_given_the_routes_each_time_and_those_that_came_meanwhile_too(site: tuple[HubProcess, UserProxyProcess]) -> None:
    hub, user_proxy = site
    wait_for("the hub to tell", lambda: "The user proxy has its routes" in hub.log(), hub)
    for name in ("fay", "gil"):
        user_proxy.kill()
        # JupyterHub would end a server that has just started if its route could not be added.
        with ThreadPoolExecutor(1) as side:
            started = side.submit(start_server, hub, name)
            wait_for("the hub to miss the user proxy", lambda: "The user proxy does not listen" in hub.log(), hub)
            user_proxy.start()
            started.result()
    wait_for("the routes", lambda: user_proxy.routes() == routes_of(*PEOPLE, "fay", "gil"), hub)
    assert "to avoid inconsistent state" not in hub.log()


def test_a_hub_that_starts_first_waits_for_the_user_proxy(hub: HubProcess, user_proxy: UserProxyProcess) -> None:
    with ThreadPoolExecutor(1) as side:
        started = side.submit(hub.start)
        wait_for("the hub to miss the user proxy", lambda: "The user proxy does not listen" in hub.log(), hub)
        user_proxy.start()
        started.result()
    wait_for("the routes", lambda: user_proxy.routes() == routes_of(), hub)


def test_both_may_restart_at_the_same_time(site: tuple[HubProcess, UserProxyProcess]) -> None:
    hub, user_proxy = site
    hub.stop()
    user_proxy.kill()
    with ThreadPoolExecutor(1) as side:
        started = side.submit(hub.start)
        user_proxy.start()
        started.result()
    wait_for("the hub's route", lambda: routes_of() <= user_proxy.routes(), hub)
    user_proxy.kill()
    user_proxy.start()
    wait_for("the hub's route", lambda: routes_of() <= user_proxy.routes(), hub)


def test_until_it_has_routes_it_says_that_it_is_not_ready_and_not_that_there_is_nothing(user_proxy: UserProxyProcess) -> None:
    user_proxy.start()
    assert requests.get(f"{user_proxy.url}user/ada/api/kernels", timeout=LIMIT_S).status_code == 503


def test_an_upload_may_take_longer_than_nodes_limit_for_a_whole_request(
    root: Path, user_proxy: UserProxyProcess, notebooks: Upstream
) -> None:
    (root / "tmp/impatient.mjs").write_text(IMPATIENT)
    user_proxy.start(NODE_OPTIONS="--import=/tmp/impatient.mjs")
    user_proxy.add_route("/", f"http://127.0.0.1:{notebooks.port}")
    pieces = [bytes([number]) * 1000 for number in range(30)]
    connection = http.client.HTTPConnection(user_proxy.url.split("/")[2], timeout=LIMIT_S)
    connection.putrequest("PUT", "/upload")
    connection.putheader("Content-Length", str(sum(map(len, pieces))))
    connection.endheaders()
    for piece in pieces:  # 3 s in all
        time.sleep(0.1)
        connection.send(piece)
    answer = connection.getresponse()
    assert (answer.status, answer.read().decode()) == (200, hashlib.sha256(b"".join(pieces)).hexdigest())


def test_headers_that_do_not_come_are_not_waited_for(root: Path, user_proxy: UserProxyProcess) -> None:
    (root / "tmp/impatient.mjs").write_text(IMPATIENT)
    user_proxy.start(NODE_OPTIONS="--import=/tmp/impatient.mjs")
    host, port = user_proxy.url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /page HTTP/1.1\r\nHost: hub.example.org\r\nX-More: ")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
