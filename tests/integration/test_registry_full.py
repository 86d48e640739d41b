"""The swarm's own registry behind its NGINX: without room, who pushes reads why and what to do, and who pulls notices nothing;
and no node is too slow."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.hub_process import free_port
from tools.graph import ROOT

IMAGE = ROOT / "images" / "registry"
PROGRAMS = {"docker-registry": "docker-registry", "nginx": "nginx", "htpasswd": "apache2-utils"}
MIB = 1024**2
SILENCE_S = 65.0  # longer than what NGINX waits if nobody tells it otherwise
SIGNED = f"Basic {base64.b64encode(b'jupyterhub:secret').decode()}"


class RegistryProcess:
    """The image's own script and configuration, in a folder of the test; `room` is what its images may take, in MiB."""

    def __init__(self, folder: Path, room: int) -> None:
        missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
        assert not missing, f"install the packages {', '.join(missing)}, as `make test` does"
        self.images, self._folder, self._port = folder / "images", folder, free_port()
        self.images.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}m", "none", str(self.images)], check=True)
        inner = free_port()
        places = {"/tmp/": f"{folder}/", "/var/lib/registry": str(self.images), "/etc/registry.yaml": f"{folder}/registry.yaml"}
        places |= {"/etc/nginx/registry.conf": f"{folder}/nginx.conf", "127.0.0.1:5001": f"127.0.0.1:{inner}"}
        # In the image all run as one user, who is not root.
        places |= {"listen 5000": f"listen 127.0.0.1:{self._port}", "worker_processes 1;": "worker_processes 1; user root;"}
        for name in ("registry", "registry.yaml", "nginx.conf"):
            text = (IMAGE / name).read_text()
            for place, own in places.items():
                text = text.replace(place, own)
            (folder / name).write_text(text)
        (folder / "password").write_text("secret\n")
        environment = {**os.environ, "PASSWORD_FILE": str(folder / "password")}
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
                assert time.monotonic() < end, (self._folder / "log").read_text()
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        subprocess.run(["umount", "--lazy", str(self.images)], check=True)

    def ask(self, method: str, address: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Status, the address of an upload, and the body."""
        headers = {"Authorization": SIGNED, "Content-Type": "application/octet-stream"}
        url = address if address.startswith("http") else f"http://127.0.0.1:{self._port}{address}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
                return answer.status, answer.headers.get("Location", ""), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, "", error.read()

    def begin(self, method: str, address: str, length: int = 0) -> http.client.HTTPConnection:
        """A request whose body is still to come, or whose answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
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


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    """With room for 160 MiB."""
    made = RegistryProcess(tmp_path, 160)
    try:
        yield made
    finally:
        made.stop()


def test_a_push_without_room_is_refused_with_words_and_goes_through_when_there_is_room_again(registry: RegistryProcess) -> None:
    layer = os.urandom(50 * MIB)
    assert registry.push(layer)[0] == 201
    assert registry.push(os.urandom(50 * MIB))[0] == 201
    filler = registry.images / "filler"  # whatever the last moments looked like
    filler.write_bytes(bytes(MIB))
    end = time.monotonic() + 30
    while (answer := registry.push(b"small"))[0] == 201 and time.monotonic() < end:
        time.sleep(0.1)
    assert answer[0] == 403  # which Docker shows, and does not try again
    (error,) = json.loads(answer[1])["errors"]
    assert error["code"] == "DENIED"
    assert error["message"].startswith("this registry is full")
    assert "raise stateSize and run pulumi up" in error["message"]
    assert registry.pull(layer) == layer
    subprocess.run(["mount", "-o", "remount,size=400m", str(registry.images)], check=True)
    while (answer := registry.push(b"small"))[0] == 403 and time.monotonic() < end:
        time.sleep(0.1)
    assert answer[0] == 201


def test_a_push_and_a_pull_go_on_where_a_node_has_stood_still(registry: RegistryProcess) -> None:
    large, layer = os.urandom(64 * MIB), os.urandom(2 * MIB)  # the first is more than all buffers on the way hold
    assert registry.push(large)[0] == 201
    upload = registry.begin("PATCH", registry.ask("POST", "/v2/team/lab/blobs/uploads/")[1], len(layer))
    upload.send(layer[:MIB])
    download = registry.begin("GET", f"/v2/team/lab/blobs/sha256:{hashlib.sha256(large).hexdigest()}").getresponse()
    time.sleep(SILENCE_S)
    upload.send(layer[MIB:])
    answer = upload.getresponse()
    assert answer.status == 202
    digest = hashlib.sha256(layer).hexdigest()
    assert registry.ask("PUT", f"{answer.headers['Location']}&digest=sha256:{digest}")[0] == 201
    assert registry.pull(layer) == layer
    assert download.read() == large
