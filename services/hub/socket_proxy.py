"""The hub's side of the user proxy's API: a Unix socket in a volume that no notebook has, instead of a port in their network."""

from __future__ import annotations

import socket
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

SOCKET = "/run/userproxy/api.sock"


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
        """As in the base class, by the socket."""
        if self._client is None:
            # Of its own, since the hub's other requests need names that mean something.
            resolver = SocketResolver(path=SOCKET)
            self._client = SimpleAsyncHTTPClient(force_instance=True, max_clients=self.concurrency, resolver=resolver)
        return await super().api_request(path, method, body, client or self._client)
