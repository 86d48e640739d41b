"""The front door's real image in a container on the tests' engine, with the configuration that the program renders."""

import contextlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from components.proxy import ALIVE, nginx_configs
from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine

NETWORK, SUBNET = "userproxy", "10.202.0.0/24"
# The engine's own address in that network, where a test stands in for the user proxy, and the door's.
UPSTREAM, ADDRESS = "10.202.0.1", "10.202.0.10"
NAME = "hub.test"


class Site:
    """One door. `files` are further files of its container, by their paths there."""

    def __init__(self, engine: DockerEngine, folder: Path, image: str, settings: Settings) -> None:
        self._engine, self._folder, self._image, self.name = engine, folder, image, settings.name
        self.files: dict[str, str] = {"/etc/door/settings.json": settings.render()}
        scheme = "http" if settings.https == "none" else "https"
        configs = nginx_configs(
            scheme=scheme,
            server_name=NAME if settings.domain else "_",
            title="Test",
            userproxy=f"{UPSTREAM}:8000",
            upload_limit=512 * 1024**2,
            hsts=100,
        )
        self.files |= {f"/etc/nginx/{file}": text for file, text in configs.items()}
        self.state, self.read_only = folder / "state", False

    def start(self, *options: str) -> None:
        """Run it, with further options of `docker run`."""
        self.state.mkdir(exist_ok=True)
        os.chown(self.state, 33, 33)
        mounts = [f"--volume={self.state}:/var/lib/door{':ro' if self.read_only else ''}"]
        for number, (path, text) in enumerate(self.files.items()):
            file = self._folder / f"file-{number}"
            file.write_text(text)
            mounts.append(f"--volume={file}:{path}:ro")
        self._engine.docker(
            "run",
            "--detach",
            "--name",
            "door",
            "--network",
            NETWORK,
            "--ip",
            ADDRESS,
            "--env",
            f"PUBLIC_ADDRESS={ADDRESS}",
            *options,
            *mounts,
            self._image,
        )

    def restart(self) -> None:
        """As a reboot does."""
        self._engine.docker("restart", "door")

    def stop(self) -> None:
        with contextlib.suppress(AssertionError):
            self._engine.docker("rm", "--force", "door")

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._engine.docker("logs", "door")

    def status(self) -> str:
        """What `make status` would show."""
        return self._engine.docker("exec", "door", "sh", "-c", "python3 -m door status || true")

    def is_healthy(self) -> bool:
        """What the service's health check finds."""
        return self._engine.docker("exec", "door", "sh", "-c", 'bash -c "$0" && echo yes || true', ALIVE) == "yes"

    def connect(self, context: ssl.SSLContext | None = None, port: int | None = None) -> socket.socket:
        """A connection to the door: plain to port 80, or by TLS to 443. Raises OSError."""
        plain = self._engine.network.connect(ADDRESS, port or (443 if context else 80))
        return context.wrap_socket(plain, server_hostname=self.name) if context else plain

    def get(
        self, path: str = "/", context: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        """The answer and its body."""
        connection = http.client.HTTPConnection(self.name)
        connection.sock = self.connect(context)
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer, answer.read().decode()

    def certificate(self) -> bytes:
        """The certificate that is served just now (DER), whoever issued it. Raises OSError where none is."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.connect(context) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            return connection.getpeercert(binary_form=True) or b""


def wait_until(what: str, true: Callable[[], bool], seconds: float) -> None:
    """Wait for something, asking twice a second; no answer counts as not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
            if true():
                return
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")
