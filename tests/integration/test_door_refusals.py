"""The front door where something is larger than it takes: who is refused reads why, and finds a way out. And what a renewal of
the certificate leaves does not stay for ever."""

import http.client
import json
import subprocess
from collections.abc import Callable

import pytest
import websocket

from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, UPSTREAM, Site, wait_until
from tests.integration.nginx_site import MIB, configs_of, trust
from tests.integration.upstream import Upstream

pytest_plugins = [
    "tests.integration.docker_fixtures",
    "tests.integration.door_fixtures",
    "tests.integration.nginx_fixtures",
]

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
COOKIES = "a=" + "x" * 40_000


@pytest.mark.parametrize("kib", [20, 60])
def test_an_answer_may_set_as_many_cookies_as_the_user_proxy_passes_on(site: Site, kib: int) -> None:
    answer, text = site.get(f"/cookies/{kib}", trust(site))
    assert (answer.status, text) == (200, "many cookies")


def test_an_answer_with_more_headers_is_told_as_such_and_not_as_a_restart(site: Site) -> None:
    answer, page = site.get("/cookies/90", trust(site), PAGE)
    assert (answer.status, answer.headers["Retry-After"]) == (503, None)
    assert "The answer has more headers than this site passes on" in page
    assert "Back in a moment" not in page
    answer, text = site.get("/cookies/90", trust(site), {"Accept": "application/json"})
    assert answer.status == 503
    assert "too many or too large cookies" in json.loads(text)["message"]


def test_who_has_too_many_cookies_reads_so_and_finds_a_way_out(site: Site) -> None:
    answer, page = site.get("/user/ada/lab", trust(site), {**PAGE, "Cookie": COOKIES})
    assert answer.status == 400
    assert "Your browser sends more than this site takes" in page
    assert "Physics 101" in page
    assert '<a href="/.forget-cookies">' in page
    assert answer.headers["Clear-Site-Data"] is None
    answer, _ = site.get("/.forget-cookies", trust(site), {**PAGE, "Cookie": COOKIES})
    assert (answer.headers["Clear-Site-Data"], answer.headers["Refresh"]) == ('"cookies"', "0; url=/")
    # Nobody else's link there signs anybody out.
    assert site.get("/.forget-cookies", trust(site))[0].headers["Clear-Site-Data"] is None


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_the_same_holds_for_all_versions_of_http_and_for_an_address_that_is_too_long(
    site: Site, docker_engine: DockerEngine, version: str
) -> None:
    inside = ["nsenter", f"--net=/proc/{docker_engine.network.pid}/ns/net", "curl", "--insecure", "--silent", "--include"]
    to_site = [version, "--resolve", f"{NAME}:443:{ADDRESS}", "--header", "Accept: text/html"]
    for request in (["--header", f"Cookie: {COOKIES}", f"https://{NAME}/"], [f"https://{NAME}/?{'x' * 45_000}"]):
        said = subprocess.run([*inside, *to_site, *request], capture_output=True, text=True, check=True).stdout
        assert said.split()[1] == "400"
        assert "Your browser sends more than this site takes" in said


@pytest.mark.parametrize("accept", [PAGE["Accept"], "*/*"])
def test_an_upload_that_is_too_large_is_told_with_the_limit(site: Site, accept: str) -> None:
    connection = http.client.HTTPConnection(NAME)
    connection.sock = site.connect(trust(site))
    connection.putrequest("PUT", "/upload")
    connection.putheader("Content-Length", str(513 * MIB))
    connection.putheader("Accept", accept)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 413
    if accept == "*/*":
        assert json.loads(text)["message"] == "This is more than the 536870912 bytes that the site takes at once (uploadLimit)."
    else:
        assert "The site takes 512 MiB at once" in text


def test_workers_of_an_earlier_certificate_end_though_a_websocket_is_open(
    upstream: Upstream, new_site: Callable[[Settings], Site], docker_engine: DockerEngine
) -> None:
    door = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    configs = configs_of("http", f"{UPSTREAM}:8002")
    assert "worker_shutdown_timeout 1d;" in configs["/etc/nginx/nginx.conf"]
    configs["/etc/nginx/nginx.conf"] = configs["/etc/nginx/nginx.conf"].replace("_timeout 1d;", "_timeout 3s;", 1)
    door.files |= configs
    door.start()
    wait_until("an answer", lambda: door.get("/")[0].status == 200, 20)
    opened = websocket.create_connection(f"ws://{NAME}/user/ada/socket", socket=door.connect())
    opened.send("hello")
    assert opened.recv() == "hello"
    docker_engine.docker("exec", "door", "sh", "-c", 'kill -HUP "$(cat /tmp/nginx.pid)"')
    leaving = ["exec", "door", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[s]hutting down' || true"]
    wait_until("they are told to end", lambda: docker_engine.docker(*leaving) != "0", 10)
    wait_until("they have ended", lambda: docker_engine.docker(*leaving) == "0", 20)
    assert door.get("/")[0].status == 200
