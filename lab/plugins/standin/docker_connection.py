"""The provider's configuration, and the Docker API behind it."""

import atexit
import os
import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import docker
import requests
from docker.errors import APIError, DockerException, create_api_error_from_http_exception
from docker.utils import version_lt

from standin.docker_tunnel import SshTarget, TunnelAdapter
from standin.errors import InvalidInput, ProviderError
from standin.fields import Field, Kind
from standin.provider import ConfigType
from standin.values import Properties

_DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
# The newest version of the API whose fields this plugin was written against; the vendor's plugin has the same.
_NEWEST_API: Final = "1.51"
_CALL_SECONDS: Final = 120


class ApiRefusal(ProviderError):  # noqa: N818 - reads as what it is
    """The daemon answered with an error; `status` is the HTTP code."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DockerApi:
    """Calls of one daemon's API, from any thread. Nothing is sent before the first call."""

    def __init__(self, host: str, ssh_options: tuple[str, ...] = ()) -> None:
        """`host` is `unix:///path` or `ssh://[user@]host[:port]`; raises InvalidInput for another form."""
        self.host = host
        self._target: SshTarget | None = None
        if host.startswith("ssh://"):
            self._target = SshTarget.parse(host, ssh_options)
        elif not host.startswith("unix:///"):
            raise InvalidInput(
                "host", f"{host!r} is not for this stand-in, which knows ssh://[user@]host[:port] and unix:///path"
            )
        self._client: docker.APIClient | None = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def get(self, path: str, **query: str) -> Any:
        """The JSON at `path`; None where the daemon has no such thing."""
        try:
            return self._call("GET", path, query=query)
        except ApiRefusal as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> Any:
        """Posts JSON and returns the answer's."""
        return self._call("POST", path, query=query, body=body)

    def delete(self, path: str, **query: str) -> None:
        """Deletes what is at `path`; what is gone already is no error."""
        try:
            self._call("DELETE", path, query=query)
        except ApiRefusal as error:
            if error.status != 404:
                raise

    def close(self) -> None:
        """Ends the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _call(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None) -> Any:
        try:
            client = self._connected()
            url = f"{client.base_url}/v{client.api_version}{path}"
            response = client.request(method, url, params=query, json=body, timeout=_CALL_SECONDS)
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                create_api_error_from_http_exception(error)
            return response.json() if response.content.strip() else None
        except APIError as error:
            raise ApiRefusal(error.status_code or 0, str(error.explanation or error)) from None
        except requests.Timeout:
            raise ProviderError(f"Docker at {self.host} gave no answer within {_CALL_SECONDS} s to {method} {path}") from None
        except (requests.RequestException, DockerException) as error:
            raise ProviderError(self._unreachable(_cause(error))) from None

    def _connected(self) -> docker.APIClient:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> docker.APIClient:
        """A client that speaks the daemon's own version of the API, as the command line does."""
        with self._made("1.24") as probe:
            version = str(probe.version(api_version=False)["ApiVersion"])
        return self._made(_NEWEST_API if version_lt(_NEWEST_API, version) else version)

    def _made(self, version: str) -> docker.APIClient:
        if self._target is None:
            return docker.APIClient(base_url=self.host, version=version, timeout=_CALL_SECONDS)
        client = docker.APIClient(base_url="http://docker:2375", version=version, timeout=_CALL_SECONDS)
        client.trust_env = False  # a proxy for the web has no business here
        client.mount("http://docker:2375", TunnelAdapter(self._target))
        return client

    def _unreachable(self, cause: str) -> str:
        lowered = cause.lower()
        no_permission = "permission denied"
        if no_permission in lowered and (self._target is None or f"connect: {no_permission}" in lowered):
            remedy = "the user may not use Docker there: make it a member of the group `docker`, and log in anew"
        elif self._target is None:
            remedy = "is the daemon running, and is this the path of its socket?"
        elif "dial unix" in lowered:
            remedy = "ssh works, but the Docker daemon does not run there"
        elif "not found" in lowered and "docker" in lowered:
            remedy = "the docker command is not on that machine: install it there"
        else:
            remedy = f"try it by hand: {' '.join(self._target.command)}"
        return f"cannot use Docker at {self.host}: {cause}; {remedy}"


def _cause(error: BaseException) -> str:
    """The innermost reason: the system's own words where it was the system that refused."""
    reasons: list[Any] = [error]
    while reasons:
        reason = reasons.pop()
        if isinstance(reason, OSError) and reason.strerror and not isinstance(reason, requests.RequestException):
            return reason.strerror
        reasons += [part for part in getattr(reason, "args", ()) if isinstance(part, BaseException)]
    return str(error)


class DockerConfig(ConfigType[DockerApi]):
    """The configuration: where the daemon is. Every other setting of the vendor's plugin is refused."""

    fields: ClassVar[Mapping[str, Field]] = {
        "host": Field(kind=Kind.TEXT),
        "sshOpts": Field(kind=Kind.LIST, items=Field(kind=Kind.TEXT)),
    }

    def check(self, config: Properties) -> Properties:
        """The configuration with the host from DOCKER_HOST, or Docker's own socket, where none is given."""
        checked = super().check(config)
        checked.setdefault("host", os.environ.get("DOCKER_HOST") or _DEFAULT_HOST)
        return checked

    def configure(self, config: Properties) -> DockerApi:
        """The API; connects at the first call."""
        return DockerApi(config["host"], tuple(config.get("sshOpts", ())))
