"""A Docker engine of the tests alone: own data, own socket, own network, own processes; a swarm of one node.

It runs in namespaces of its own, so that neither the machine's engine nor its bridges, routes and firewall notice it,
and nothing of it outlives the tests: with its first process go all the others. Needs root.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tests.integration.netns import Network

# A small image in two versions, with nothing but a shell and its tools.
IMAGE, OTHER_IMAGE = "tests/box:1", "tests/box:2"
# Ends at once when it is told to.
WAIT_COMMAND = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
# Away from every network that the machine may use; only this engine sees it.
_ADDRESS_POOL = "10.201.0.0/16"


class DockerEngine:
    """`docker(...)` runs Docker's command line against it."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self._folder = folder
        self._group = f"jupyterhub-test-{os.getpid()}{name}"
        self._log = folder / "dockerd.log"
        self.socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """As DOCKER_HOST takes it."""
        return f"unix://{self.socket}"

    def docker(self, *arguments: str, stdin: bytes = b"") -> str:
        """What the command prints, without the line's end."""
        done = subprocess.run(
            ["docker", *arguments], input=stdin, capture_output=True, env={**os.environ, "DOCKER_HOST": self.host}
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def shell(self, line: str) -> str:
        """What a shell line prints for which this engine is the machine's, without the line's end."""
        done = subprocess.run(
            ["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "DOCKER_HOST": self.host}
        )
        assert done.returncode == 0, f"{line}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """The object as the daemon shows it."""
        return dict(json.loads(self.docker(kind, "inspect", name))[0])

    def names(self, kind: str) -> list[str]:
        """The objects of a kind (`service`, `network`, ...) by name, without Docker's own networks."""
        field = "{{.Names}}" if kind == "container" else "{{.Name}}"
        found = self.docker(kind, "ls", "--format", field).splitlines()
        own = {"bridge", "host", "none", "ingress", "docker_gwbridge"} if kind == "network" else set()
        return sorted(set(found) - own)

    @property
    def network(self) -> Network:
        """The network that its containers are reached from."""
        assert self._process is not None
        return Network(self._process.pid)

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Nothing of it runs while the block does: neither the engine nor what is in its containers."""
        assert self._process is not None
        processes = _descendants(self._process.pid)
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def build(self, name: str, *lines: str) -> None:
        """Makes an image of the tests' own and these lines of a Dockerfile."""
        dockerfile = "\n".join([f"FROM {IMAGE}", *lines, ""])
        # Docker's older builder: it needs no program that the newer one does.
        with mock.patch.dict(os.environ, DOCKER_BUILDKIT="0"):
            self.docker("build", "--quiet", "--tag", name, "-", stdin=dockerfile.encode())

    def load(self, saved: subprocess.Popen[bytes]) -> None:
        """Takes an image from what `docker save` of another engine writes."""
        command = ["docker", "load", "--quiet"]
        environment = {**os.environ, "DOCKER_HOST": self.host}
        subprocess.run(command, stdin=saved.stdout, stdout=subprocess.DEVNULL, env=environment, check=True)

    def clear(self) -> None:
        """Removes what a test that failed has left."""
        for kind in ("service", "container", "network", "config", "secret", "volume"):
            force = ["--force"] if kind in ("container", "volume") else []
            for name in self.names(kind):
                with contextlib.suppress(AssertionError):
                    self.docker(kind, "rm", *force, name)
        # A swarm's network goes some time after it was removed; until then it is listed, and of no use.
        end = time.monotonic() + _STOP_SECONDS
        while self.names("network") and time.monotonic() < end:
            time.sleep(0.2)

    def start(self) -> None:
        """Runs the engine, makes the swarm and the images."""
        self.run()
        self.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--default-addr-pool", _ADDRESS_POOL)
        self.load_images()

    def load_images(self) -> None:
        """Makes the images."""
        self.docker("import", "-", IMAGE, stdin=_box("1"))
        self.docker("import", "-", OTHER_IMAGE, stdin=_box("2"))

    def run(self, *, within: Sequence[str] = ("unshare", "--net")) -> None:
        """Runs the engine, in what the command `within` makes or enters, with what it holds already."""
        places = [f"--{name}={self._folder / name}" for name in ("data-root", "exec-root", "pidfile")]
        daemon = ["dockerd", *places, "-H", self.host, f"--cgroup-parent=/{self._group}", "--shutdown-timeout=5"]
        alone = [*within, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        script = 'ip link set lo up && exec "$@"'
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*alone, "sh", "-c", script, "sh", *daemon], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends the engine, and what it left."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(AssertionError):
                self.docker("swarm", "leave", "--force")
            for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_STOP_SECONDS)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder / "data-root", ignore_errors=True)
        for top in Path("/sys/fs/cgroup").glob(f"**/{self._group}"):
            for group in sorted((top, *top.rglob("*/")), reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()

    def _wait_until_it_answers(self) -> None:
        waiting = threading.Event()
        for _ in range(int(_START_SECONDS * 5)):
            assert self._process is not None and self._process.poll() is None, self._log.read_text()[-3000:]
            with contextlib.suppress(AssertionError):
                self.docker("version")
                return
            waiting.wait(0.2)
        raise AssertionError(f"dockerd does not answer after {_START_SECONDS} s:\n{self._log.read_text()[-3000:]}")


def _descendants(process: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _box(version: str) -> bytes:
    """The file system of an image: a static busybox, and a file that tells one version from another."""
    program = shutil.which("busybox")
    assert program is not None, "the tests' image is made of busybox: install the package busybox-static"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "bin/busybox")
        for name in ("sh", "sleep", "cat", "true", "false", "id"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        content = version.encode()
        file = tarfile.TarInfo("version")
        file.size = len(content)
        tar.addfile(file, io.BytesIO(content))
    return packed.getvalue()
