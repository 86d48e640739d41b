"""The swarm's own registry: the image's own script and configuration, run on this machine in a folder of the test."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.integration.hub_process import free_port
from tools.graph import ROOT

IMAGE = ROOT / "images" / "registry"
PROGRAMS = {"docker-registry": "docker-registry", "nginx": "nginx", "htpasswd": "apache2-utils"}
MIB = 1024**2
SIGNED = f"Basic {base64.b64encode(b'jupyterhub:secret').decode()}"


class RegistryProcess:
    """`room` is what its images may take, in MiB; `variables` are further ones of its environment."""

    def __init__(self, folder: Path, room: int, **variables: str) -> None:
        missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
        assert not missing, f"install the packages {', '.join(missing)}, as `make test` does"
        self.images, self._folder, self.port = folder / "images", folder, free_port()
        self.images.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}m", "none", str(self.images)], check=True)
        inner = free_port()
        places = {"/tmp/": f"{folder}/", "/var/lib/registry": str(self.images), "/etc/registry.yaml": f"{folder}/registry.yaml"}
        places |= {"/etc/nginx/registry.conf": f"{folder}/nginx.conf", "127.0.0.1:5001": f"127.0.0.1:{inner}"}
        places |= {"/usr/local/lib/registry": str(IMAGE)}
        # In the image all run as one user, who is not root.
        places |= {"listen 5000": f"listen 127.0.0.1:{self.port}", "worker_processes 1;": "worker_processes 1; user root;"}
        for name in ("registry", "registry.yaml", "nginx.conf"):
            text = (IMAGE / name).read_text()
            for place, own in places.items():
                text = text.replace(place, own)
            (folder / name).write_text(text)
        (folder / "password").write_text("secret\n")
        environment = {**os.environ, "PASSWORD_FILE": str(folder / "password"), **variables}
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(["bash", str(folder / "registry")], env=environment, stdout=log, stderr=log)
        self._until_it_answers()

    def _until_it_answers(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                assert self.ask("GET", "/v2/")[0] == 200
                return
            except (OSError, AssertionError):
                assert time.monotonic() < end, self.log
                assert self._process.poll() is None, self.log
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        subprocess.run(["umount", "--lazy", str(self.images)], check=True)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "log").read_text()

    def ask(
        self, method: str, address: str, body: bytes | None = None, media_type: str = "application/octet-stream"
    ) -> tuple[int, str, bytes]:
        """Status, the address of an upload, and the body."""
        headers = {"Authorization": SIGNED, "Content-Type": media_type, "Accept": media_type}
        url = address if address.startswith("http") else f"http://127.0.0.1:{self.port}{address}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
                return answer.status, answer.headers.get("Location", ""), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, "", error.read()

    def begin(self, method: str, address: str, length: int = 0) -> http.client.HTTPConnection:
        """A request whose body is still to come, or whose answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, "/" + address.split("/", 3)[3] if address.startswith("http") else address)
        connection.putheader("Authorization", SIGNED)
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection

    def push(self, layer: bytes) -> tuple[int, bytes]:
        """Push a layer as Docker does: status and body of the answer that ends it."""
        status, upload, said = self.ask("POST", "/v2/team/lab/blobs/uploads/")
        if status == 202:
            digest = hashlib.sha256(layer).hexdigest()
            status, _, said = self.ask("PUT", f"{upload}&digest=sha256:{digest}", layer)
        return status, said

    def pull(self, layer: bytes) -> bytes:
        return self.ask("GET", f"/v2/team/lab/blobs/sha256:{hashlib.sha256(layer).hexdigest()}")[2]
