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
from services.hub import socket_proxy
from services.hub.socket_proxy import SocketProxy
from tests.unit.graphs import SERVICE_CONFIG, Graph


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
