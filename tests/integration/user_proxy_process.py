"""The user proxy's real image as a process of the tests: its files in a folder, the network of this machine."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from pathlib import Path

from components.image_source import ImageSource
from components.userproxy import SOCKET
from lab import apt, images

START_S, ANSWER_S = 60, 10
USER = "990:990"  # of images/userproxy/Dockerfile


def unpack_image(folder: Path) -> None:
    """The files of the image, which the machine's own engine builds unless it has it."""
    source = ImageSource.parse("./images/userproxy")
    images.build(source, apt.extra_ca())
    folder.chmod(0o755)  # a folder of the tests is root's alone, and the user proxy is not root
    made = subprocess.run(["docker", "create", source.reference], stdout=subprocess.PIPE, text=True, check=True)
    container = made.stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as exported:
            subprocess.run(["tar", "-x", "-C", str(folder)], stdin=exported.stdout, check=True)
    finally:
        subprocess.run(["docker", "rm", container], stdout=subprocess.DEVNULL, check=True)


class UserProxyProcess:
    """One user proxy, below `root`, on a port of 127.0.0.1; `socket` is its API's. It can be killed and started again."""

    def __init__(self, root: Path, port: int, token: str) -> None:
        self._root, self._port, self._token = root, port, token
        self.url = f"http://127.0.0.1:{port}/"
        self.socket = root / SOCKET.lstrip("/")
        self._process: subprocess.Popen[bytes] | None = None
        secret = root / "run/secrets/proxy-token"
        secret.parent.mkdir(exist_ok=True)
        secret.write_text(token)

    def start(self, **environment: str) -> None:
        """Start it as its container does, with further variables, and wait until it answers."""
        command = ["/usr/local/bin/userproxy", "--ip=127.0.0.1", f"--port={self._port}", f"--api-socket={SOCKET}"]
        with (self._root / "userproxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["chroot", f"--userspec={USER}", str(self._root), *command],
                env={"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/bin", **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_S
        while not self.listens():
            assert self._process.poll() is None and time.monotonic() < end, "the user proxy does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a lack of memory would; its socket stays, a name that nobody listens at."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def listens(self) -> bool:
        """Whether its API answers."""
        with contextlib.suppress(OSError):
            self.routes()
            return True
        return False

    def routes(self) -> set[str]:
        """The paths that it has routes for. Raises OSError where it does not answer."""
        return set(json.loads(self._ask("GET")))

    def add_route(self, path: str, target: str) -> None:
        """As the hub does it."""
        self._ask("POST", path, json.dumps({"target": target}))

    def _ask(self, method: str, path: str = "", body: str | None = None) -> str:
        connection = http.client.HTTPConnection("userproxy")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(ANSWER_S)
        with contextlib.closing(connection):
            connection.sock.connect(str(self.socket))
            connection.request(method, f"/api/routes{path}", body, {"Authorization": f"token {self._token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            return text
