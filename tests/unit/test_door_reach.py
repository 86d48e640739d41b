"""Whether the door sees what keeps a CA from finding it."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from images.proxy.door import reach
from images.proxy.door.reach import PATIENCE_OTHER_S, PATIENCE_OWN_S, Obstacle, obstacle
from tests.unit.door_pairs import NAME


@pytest.fixture
def web(tmp_path: Path) -> Iterator[int]:
    """A web server for a folder, on a port of 127.0.0.1."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str, error: socket.gaierror | None = None) -> None:
    """Every name has these addresses, or there is an error."""

    def look_up(name: str, port: int, family: int, *_: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        found = [address for address in addresses if (family == socket.AF_INET6) == (":" in address)]
        if error or not found:
            raise error or socket.gaierror(socket.EAI_NODATA, "No address associated with hostname")
        return [(family or socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_a_name_that_leads_here_has_no_obstacle_and_leaves_no_probe(
    web: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "127.0.0.1")
    assert obstacle(NAME, "127.0.0.1", tmp_path, web) is None
    assert not list(tmp_path.rglob("probe*"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "does not resolve yet"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "cannot be looked up (Temporary failure)"),
    ],
)
def test_a_name_that_does_not_resolve_is_told_with_the_address_that_it_must_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: socket.gaierror, said: str
) -> None:
    resolving(monkeypatch, error=error)
    assert obstacle(NAME, "192.0.2.10", tmp_path) == Obstacle(
        text=f"{NAME} {said}; its DNS entry must be the address 192.0.2.10", patience_s=PATIENCE_OTHER_S
    )


def test_a_name_that_leads_elsewhere_is_told_with_both_addresses(
    web: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "127.0.0.1")
    found = obstacle(NAME, "192.0.2.10", tmp_path / "another", web)
    assert found == Obstacle(
        text=f"{NAME} points to 127.0.0.1, which is not this site; its DNS entry must be the address 192.0.2.10",
        patience_s=PATIENCE_OTHER_S,
    )


def test_a_closed_port_at_the_right_address_may_be_a_cloud_that_lets_no_machine_reach_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    resolving(monkeypatch, "127.0.0.1")
    found = obstacle(NAME, "127.0.0.1", tmp_path, port)
    assert found is not None
    assert found.text.startswith(f"port {port} of {NAME} (127.0.0.1) cannot be reached from here ([Errno 111]")
    assert found.patience_s == PATIENCE_OWN_S


def test_a_stale_ipv6_address_is_told_since_cas_look_there_first(
    web: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "127.0.0.1", "2001:db8::7")
    monkeypatch.setattr(reach, "_fetch", lambda one, name, probe, port: probe if one == "127.0.0.1" else "status 404")
    found = obstacle(NAME, "127.0.0.1", tmp_path, web)
    assert found is not None
    assert found.text == (
        f"{NAME} has the IPv6 address 2001:db8::7 too (AAAA), where this site is not found (status 404); remove that DNS entry"
    )
    assert found.patience_s == PATIENCE_OWN_S


def test_an_ipv6_address_that_leads_here_is_no_obstacle(web: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "::1")
    monkeypatch.setattr(reach, "_fetch", lambda one, name, probe, port: probe)
    assert obstacle(NAME, "127.0.0.1", tmp_path, web) is None
