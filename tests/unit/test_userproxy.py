"""The user proxy's service, and the hub's way to its API: a socket that no notebook has."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.userproxy import ERROR_FOLDER, SOCKET
from services.hub import background, socket_proxy, user_proxy_routes
from services.hub.socket_proxy import SocketProxy
from tests.unit.graphs import SERVICE_CONFIG, Graph
from tests.unit.hub_files import hub_config


def container_of(graph: Graph, name: str) -> dict[str, Any]:
    """What a service's container is told."""
    return dict(graph[name].inputs["taskSpec"]["containerSpec"])


def test_the_api_is_a_socket_in_a_volume_that_the_hub_and_the_user_proxy_share(graph: Graph) -> None:
    arguments = container_of(graph, "hub-userproxy")["args"]
    assert f"--api-socket={SOCKET}" in arguments
    assert not [text for text in arguments if text.startswith(("--api-ip", "--api-port"))]
    (mine,) = container_of(graph, "hub-userproxy")["mounts"]
    assert mine in container_of(graph, "hub-hub")["mounts"]
    assert socket_proxy.SOCKET == SOCKET
    assert SOCKET.startswith(f"{mine['target']}/")
    assert mine["type"] == "volume"


def test_the_page_for_the_time_of_a_restart_is_where_the_user_proxy_looks_for_it(graph_of: Callable[..., Graph]) -> None:
    graph = graph_of(title="Physics <101>")
    container = container_of(graph, "hub-userproxy")
    assert f"--error-path={ERROR_FOLDER}" in container["args"]
    (config,) = container["configs"]
    assert config["fileName"] == f"{ERROR_FOLDER}/error.html"
    (page,) = (entry.inputs["data"] for entry in graph.of_type(SERVICE_CONFIG) if entry.name.startswith("hub-restarting-"))
    assert "<title>Back in a moment · Physics &lt;101&gt;</title>" in b64decode(page).decode()


def test_the_hub_reaches_the_api_by_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_proxy, "SOCKET", str(tmp_path / "api.sock"))
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps({"/": {"target": "http://hub:8081", "jupyterhub": True}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    async def ask() -> Any:
        server = await asyncio.start_unix_server(answer, tmp_path / "api.sock")
        async with server:
            return await SocketProxy(auth_token="abc", api_url="http://userproxy").get_all_routes()

    routes = asyncio.run(ask())
    assert routes["/"]["target"] == "http://hub:8081"
    assert heard[0].startswith(b"GET /api/routes HTTP/1.1")
    assert b"Authorization: token abc" in heard[0]


def make_anew(socket: Path) -> None:
    """Another one in the same place, as a start makes it; what is made within one tick of the clock can be told too."""
    beside = socket.with_name("new")
    beside.touch()
    beside.replace(socket)


def test_each_new_user_proxy_is_given_the_routes_once_and_again_where_that_failed(tmp_path: Path) -> None:
    socket = tmp_path / "api.sock"
    results: list[Exception | None] = [None, OSError("gone again"), None]
    given: list[Exception | None] = []

    async def hand_over() -> None:
        given.append(results.pop(0))
        if given[-1]:
            raise given[-1]

    async def looks() -> None:
        known = await user_proxy_routes.look(str(socket), None, hand_over)
        assert (known, given) == (None, [])
        for _ in range(2):
            make_anew(socket)
            for _ in range(3):
                known = await user_proxy_routes.look(str(socket), known, hand_over)
        socket.unlink()
        assert await user_proxy_routes.look(str(socket), known, hand_over) == known

    asyncio.run(looks())
    assert [type(result) for result in given] == [type(None), OSError, type(None)]


def test_a_user_proxy_that_comes_while_another_is_given_the_routes_is_seen(tmp_path: Path) -> None:
    socket = tmp_path / "api.sock"
    make_anew(socket)
    given = []

    async def hand_over() -> None:
        given.append(user_proxy_routes.mark(str(socket)))
        if len(given) == 1:
            make_anew(socket)

    async def looks() -> None:
        known = None
        for _ in range(3):
            known = await user_proxy_routes.look(str(socket), known, hand_over)

    asyncio.run(looks())
    assert len(given) == 2


def test_the_hub_looks_from_its_start_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Callable[..., Any]] = []
    monkeypatch.setattr(background, "begin", begun.append)
    hub_config(tmp_path, monkeypatch)
    assert user_proxy_routes.keep_handed_over in begun
