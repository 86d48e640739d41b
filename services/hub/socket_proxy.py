"""The hub's side of the user proxy's API: a Unix socket in a volume that no notebook has, instead of a port in their network."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

SOCKET = "/run/userproxy/api.sock"
# A user proxy that restarts is away for seconds, one whose image is fetched for longer. Who does not wait for it would end a
# server that has just started, or the hub that starts beside it.
PATIENCE_S, AGAIN_S = 120.0, 0.2


class SocketResolver(Resolver):
    """Leads every name to one Unix socket."""

    def initialize(self, path: str) -> None:
        """`path` is the socket's."""
        self._path = path

    async def resolve(self, *_wanted: Any, **_family: Any) -> list[tuple[int, Any]]:
        """The socket, whatever is asked for."""
        return [(socket.AF_UNIX, self._path)]


class SocketProxy(ConfigurableHTTPProxy):  # type: ignore[misc]  # jupyterhub has no types
    """configurable-http-proxy with `--api-socket`. Of `api_url`, only the path counts."""

    _client: AsyncHTTPClient | None = None

    async def api_request(self, path: str, method: str = "GET", body: Any = None, client: AsyncHTTPClient | None = None) -> Any:
        """As in the base class, by the socket. While nobody listens there, it is tried again; then raises OSError."""
        if self._client is None:
            # Of its own, since the hub's other requests need names that mean something.
            resolver = SocketResolver(path=SOCKET)
            self._client = SimpleAsyncHTTPClient(force_instance=True, max_clients=self.concurrency, resolver=resolver)
        until, told = time.monotonic() + PATIENCE_S, False
        while True:
            try:
                return await super().api_request(path, method, body, client or self._client)
            except (FileNotFoundError, ConnectionError):
                if time.monotonic() > until:
                    raise
            if not told:
                self.log.warning("The user proxy does not listen at %s; waiting for it", SOCKET)
                told = True
            await asyncio.sleep(AGAIN_S)
