"""HTTP to a Docker daemon through `ssh HOST docker system dial-stdio`, as Docker's own command line does it.

The system's ssh client is used, so its configuration, agent, known hosts and jump hosts all work. Each connection is one
ssh process whose standard input and output are one end of a socket pair: the HTTP client gets a plain socket. When this
process ends, however it ends, the socket closes and ssh with it.
"""

import shlex
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from standin.errors import InvalidInput, ProviderError

# Seconds; the vendor's plugin has the same. An own `ConnectTimeout` in sshOpts wins.
_CONNECT_TIMEOUT: Final = 30
# Connections at once to one host; more calls wait for a free one (sshd's MaxStartups refuses from 10 on).
_CONNECTIONS: Final = 4
_STOP_SECONDS: Final = 5.0
_LONGEST_MESSAGE: Final = 2000


@dataclass(frozen=True)
class SshTarget:
    """Where to: an `ssh://` address and the options that go to ssh as they are."""

    user: str
    host: str
    port: int | None
    socket_path: str
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, address: str, options: tuple[str, ...]) -> "SshTarget":
        """Reads `ssh://[user@]host[:port][/path/of/the/socket]`. Raises InvalidInput."""
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise InvalidInput("host", f"{address!r} is no address: {error}") from None
        if not parts.hostname or parts.password is not None or parts.query or parts.fragment:
            raise InvalidInput("host", f"{_masked(address)!r} must be ssh://[user@]host[:port], without a password")
        return cls(parts.username or "", parts.hostname, port, parts.path.rstrip("/"), options)

    @property
    def command(self) -> tuple[str, ...]:
        """The ssh command line."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", str(self.port)) if self.port else ()
        has_timeout = any("connecttimeout" in option.lower() for option in self.options)
        timeout = () if has_timeout else ("-o", f"ConnectTimeout={_CONNECT_TIMEOUT}")
        daemon = (f"--host=unix://{self.socket_path}",) if self.socket_path else ()
        remote = shlex.join(("docker", *daemon, "system", "dial-stdio"))
        return ("ssh", *user, *port, *self.options, *timeout, "-T", "--", self.host, remote)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"ssh://{user}{self.host}{f':{self.port}' if self.port else ''}{self.socket_path}"


def _masked(address: str) -> str:
    """The address without a password that it should not have had."""
    parts = urlsplit(address)
    return address.replace(f":{parts.password}@", ":...@") if parts.password else address


class Tunnel:
    """One running ssh with the socket that leads through it."""

    def __init__(self, target: SshTarget) -> None:
        self.socket, theirs = socket.socketpair()
        self._messages: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        with theirs:
            try:
                # A session of its own: no terminal to ask for a password on, and no Ctrl-C before this plugin is done.
                self._process = subprocess.Popen(
                    target.command,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._messages,
                    start_new_session=True,
                )
            except OSError as error:
                self.socket.close()
                raise ProviderError(f"cannot start the ssh client for {target}: {error.strerror}") from None

    def close(self) -> str:
        """Ends ssh, and returns what it said: closing its socket is enough where ssh is well."""
        self.socket.close()
        try:
            code = self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        with self._messages as messages:
            messages.seek(0)
            said = messages.read().decode(errors="replace").strip()
        return f"{said[-_LONGEST_MESSAGE:] or 'it said nothing'} (ssh ended with code {code})"


class _Connection(HTTPConnection):
    """An HTTP connection whose socket is a tunnel's. `said` keeps, for each thread, the last words of its ssh."""

    def __init__(self, target: SshTarget, said: threading.local) -> None:
        super().__init__("docker")
        self._target = target
        self._said = said
        self._ssh: Tunnel | None = None

    def connect(self) -> None:
        self._ssh = Tunnel(self._target)
        self.sock = self._ssh.socket

    def close(self) -> None:
        super().close()
        ssh, self._ssh = self._ssh, None
        if ssh is not None:
            self._said.text = ssh.close()


class _Pool(HTTPConnectionPool):
    def __init__(self, target: SshTarget, said: threading.local) -> None:
        super().__init__("docker", maxsize=_CONNECTIONS, block=True)
        self._target = target
        self._said = said

    def _new_conn(self) -> _Connection:
        return _Connection(self._target, self._said)


class TunnelAdapter(HTTPAdapter):
    """Sends a requests session's calls through tunnels, which are kept and used again."""

    def __init__(self, target: SshTarget) -> None:
        super().__init__()
        self._said = threading.local()
        self._pool = _Pool(target, self._said)

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> urllib3.HTTPConnectionPool:
        """The one pool, whatever the address."""
        return self._pool

    def get_connection(self, *_args: Any, **_kwargs: Any) -> urllib3.HTTPConnectionPool:
        """The same for older versions of requests."""
        return self._pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """As usual; a broken connection carries what ssh said."""
        self._said.text = ""
        try:
            return super().send(request, *args, **kwargs)
        except requests.ConnectionError as error:
            raise requests.ConnectionError(self._said.text or str(error), request=request) from None

    def close(self) -> None:
        """Ends every tunnel that is not in use."""
        self._pool.close()
        super().close()
