"""The front door's NGINX, in the real image with the rendered configuration: headers, uploads, silence, absences."""

import hashlib
import http.client
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import websocket

from images.proxy.door.settings import Settings
from tests.integration.docker_engine import IMAGE, DockerEngine
from tests.integration.door_site import ADDRESS, NAME, NETWORK, UPSTREAM, Site, wait_until
from tests.integration.nginx_site import MIB, configs_of, trust
from tests.integration.upstream import LARGE, Upstream

pytest_plugins = [
    "tests.integration.docker_fixtures",
    "tests.integration.door_fixtures",
    "tests.integration.nginx_fixtures",
]

UPLOAD = 400 * MIB
SILENCE_S = 65
# What all processes of the door may grow by, at their peaks, while an upload passes.
MEMORY_GROWTH = 16 * MIB


def peak_memory(engine: DockerEngine) -> int:
    """Bytes: the sum of what each process of the door has had in memory at most."""
    shown = engine.docker("exec", "door", "sh", "-c", "cat /proc/[0-9]*/status")
    return sum(int(text) * 1024 for text in re.findall(r"VmHWM:\s+(\d+) kB", shown))


@pytest.fixture(scope="module")
def silent(site: Site) -> tuple[websocket.WebSocket, float]:
    """A websocket on which nobody says anything, and when it was opened."""
    opened = websocket.create_connection(f"wss://{NAME}/silent/socket", socket=site.connect(trust(site)))
    return opened, time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Stalled:
    """An upload and a download, both half way, that go on when a test says so."""

    upload: http.client.HTTPConnection
    download: http.client.HTTPResponse
    since: float


@pytest.fixture(scope="module")
def stalled(site: Site) -> Stalled:
    """Begun when a test first asks for it."""
    upload = begun_upload(site, 2 * MIB)
    upload.send(bytes(MIB))
    connection = http.client.HTTPConnection(NAME)
    connection.sock = site.connect(trust(site))
    connection.request("GET", "/large")
    return Stalled(upload=upload, download=connection.getresponse(), since=time.monotonic())


def begun_upload(site: Site, size: int) -> http.client.HTTPConnection:
    """A PUT of which only the head is sent."""
    connection = http.client.HTTPConnection(NAME)
    connection.sock = site.connect(trust(site))
    connection.putrequest("PUT", "/upload")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    return connection


@pytest.mark.parametrize(
    ("scheme", "server_name"), [("https", NAME), ("https", "_"), ("http", NAME)], ids=["name", "address", "plain"]
)
def test_nginx_takes_the_configuration_even_before_there_is_a_user_proxy(
    docker_engine: DockerEngine, site: Site, image: str, tmp_path: Path, scheme: str, server_name: str
) -> None:
    mounts = [f"--volume={site.state}:/var/lib/door:ro"]
    for path, text in configs_of(scheme, "userproxy:8000", server_name).items():
        file = tmp_path / Path(path).name
        file.write_text(text)
        mounts.append(f"--volume={file}:{path}:ro")
    nginx = ["--entrypoint", "nginx", *mounts, image, "-e", "/dev/stderr", "-t"]
    docker_engine.docker("run", "--rm", "--network", "none", *nginx)


@pytest.mark.usefixtures("silent", "stalled")
def test_plain_requests_are_led_to_https(site: Site) -> None:
    answer, _ = site.get("/user/ada/lab?x=1")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/user/ada/lab?x=1")


def test_the_clients_address_is_passed_on_and_what_a_client_claims_is_not(site: Site) -> None:
    claims = {"X-Forwarded-For": "192.0.2.66", "X-Real-IP": "192.0.2.66", "X-Forwarded-Proto": "http", "X-Scheme": "http"}
    heard = json.loads(site.get("/", trust(site), claims)[1])["headers"]
    assert heard["X-Forwarded-For"] == heard["X-Real-Ip"] == UPSTREAM
    assert heard["X-Forwarded-Proto"] == heard["X-Scheme"] == "https"
    assert heard["Host"] == NAME


def test_connections_to_the_user_proxy_are_kept(site: Site) -> None:
    context = trust(site)
    peers = {json.loads(site.get("/", context)[1])["peer"] for _ in range(20)}
    assert len(peers) < 20


def test_a_websocket_passes_on_any_path(site: Site) -> None:
    for path in ("/user/ada/proxy/8080/socket", "/user/ada/api/collaboration/room/socket"):
        opened = websocket.create_connection(f"wss://{NAME}{path}", socket=site.connect(trust(site)))
        opened.send("hello")
        assert opened.recv() == "hello"
        opened.close()


def test_a_large_upload_passes_through_piece_by_piece_in_flat_memory(
    site: Site, upstream: Upstream, docker_engine: DockerEngine
) -> None:
    piece, sent = bytes(range(256)) * 4096, hashlib.sha256()
    before = peak_memory(docker_engine)
    connection = begun_upload(site, UPLOAD)
    for number in range(UPLOAD // len(piece)):
        connection.send(piece)
        sent.update(piece)
        if number == 3:
            wait_until("the first pieces are through", lambda: upstream.received >= 3 * MIB, 10)
    answer = connection.getresponse()
    assert (answer.status, answer.read().decode()) == (200, sent.hexdigest())
    growth = peak_memory(docker_engine) - before
    print(f"an upload of {UPLOAD // MIB} MiB took {growth / MIB:.1f} MiB of the door's memory at most")
    assert growth < MEMORY_GROWTH


def test_an_upload_beyond_the_limit_is_refused_at_once(site: Site) -> None:
    assert begun_upload(site, 513 * MIB).getresponse().status == 413


@pytest.mark.parametrize(("length", "status"), [(15_000, 200), (40_000, 400)])
def test_headers_may_be_as_long_as_those_of_several_sign_ins(site: Site, length: int, status: int) -> None:
    assert site.get("/", trust(site), {"Cookie": "a=" + "x" * length})[0].status == status


def test_static_files_are_compressed_and_pages_are_not(site: Site) -> None:
    asked = {"Accept-Encoding": "gzip"}
    connection = http.client.HTTPConnection(NAME)
    for path, encoding in (("/static/lab.css", "gzip"), ("/page", None)):
        connection.sock = site.connect(trust(site))
        connection.request("GET", path, headers=asked)
        answer = connection.getresponse()
        answer.read()
        assert answer.headers["Content-Encoding"] == encoding
        connection.close()


def test_a_websocket_that_nobody_speaks_on_stays_open_beyond_the_minute_of_nginxs_defaults(
    silent: tuple[websocket.WebSocket, float],
) -> None:
    opened, since = silent
    time.sleep(max(0.0, SILENCE_S - (time.monotonic() - since)))
    opened.settimeout(10)
    opened.send("still there")
    assert opened.recv() == "still there"
    opened.close()


def test_an_upload_and_a_download_may_stall_beyond_the_minute_of_nginxs_defaults(stalled: Stalled) -> None:
    time.sleep(max(0.0, SILENCE_S - (time.monotonic() - stalled.since)))
    stalled.upload.send(bytes(MIB))
    answer = stalled.upload.getresponse()
    assert (answer.status, answer.read().decode()) == (200, hashlib.sha256(bytes(2 * MIB)).hexdigest())
    assert len(stalled.download.read()) == LARGE


def test_a_user_proxy_that_comes_and_goes_is_found_each_time_and_its_absence_is_told(
    docker_engine: DockerEngine, site: Site, new_site: Callable[[Settings], Site]
) -> None:
    door = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    door.files |= configs_of("http", "userproxy:8000")
    door.start()
    wait_until("an answer", lambda: door.get("/")[0].status == 503, 20)
    answer, page = door.get("/hub/home")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("5", "no-store")
    assert "The hub is restarting, your notebook is still running" in page
    assert "Physics 101" in page
    answer, text = door.get("/hub/api", headers={"Accept": "application/json"})
    assert (answer.status, answer.headers["Content-Type"]) == (503, "application/json")
    assert json.loads(text)["status"] == 503
    for address in ("10.202.0.21", "10.202.0.22"):
        serve = ["--network-alias", "userproxy", "--ip", address, IMAGE, "busybox", "httpd", "-f", "-p", "8000"]
        docker_engine.docker("run", "--detach", "--name", "userproxy", "--network", NETWORK, *serve)
        wait_until(f"the user proxy at {address} is found", lambda: door.get("/none")[0].status == 404, 15)
        docker_engine.docker("rm", "--force", "userproxy")
        wait_until("its absence is told", lambda: door.get("/none")[0].status == 503, 15)


def test_behind_another_tls_proxy_the_client_is_whom_that_proxy_names(
    upstream: Upstream, new_site: Callable[[Settings], Site]
) -> None:
    door = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    door.files |= configs_of("http", f"{UPSTREAM}:8002")
    door.start()
    wait_until("an answer", lambda: door.get("/")[0].status == 200, 20)
    told = {"X-Forwarded-For": "192.0.2.66, 198.51.100.7", "X-Forwarded-Proto": "https"}
    heard = json.loads(door.get("/", headers=told)[1])["headers"]
    assert heard["X-Forwarded-For"] == heard["X-Real-Ip"] == "198.51.100.7"
    assert heard["X-Forwarded-Proto"] == heard["X-Scheme"] == "https"


def test_the_log_has_no_tokens(upstream: Upstream, new_site: Callable[[Settings], Site]) -> None:
    door = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    door.files |= configs_of("http", f"{UPSTREAM}:8002")
    door.start()
    wait_until("an answer", lambda: door.get("/lab?token=secret1", headers={"Referer": "/?token=secret2"})[0].status == 200, 20)
    wait_until("the log", lambda: "GET /lab HTTP/1.1" in door.log, 10)
    assert "secret" not in door.log
