"""A swarm of one node with two hubs on it, ours and one with dockerspawner's own spawner: on an engine of the bench alone."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import docker

from components.hub_files import HubSettings, config_path, hub_files
from components.image_source import ImageSource
from components.userproxy import SOCKET
from lab import apt, images
from lab.process import say
from lab.scratch import scratch_folder
from tests.integration.docker_engine import DockerEngine
from tools.graph import ROOT

BUILD = ROOT / ".build" / "bench"
# Names of the bench's own: the lab removes older images under the names that it uses.
REPOSITORY = "jupyterhub-swarm-bench"
HERE = Path(__file__).parent
MIB = 1024**2


def image(folder: str) -> str:
    """The image of a folder of the project, built on this machine's engine unless it is there; its reference."""
    source = ImageSource.parse(folder, ROOT)
    own = ImageSource(reference=source.reference.replace("jupyterhub-swarm", REPOSITORY, 1), context=source.context)
    images.build(own, apt.extra_ca())
    return own.reference


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Of a container: seconds of processor time, and bytes that its processes hold (without files that the kernel caches)."""

    cpu_s: float
    memory: int


class BenchSwarm:
    """`call` runs a task of client.py inside the swarm."""

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine
        self.token = secrets.token_hex(16)

    def load(self, reference: str) -> None:
        """Bring an image from this machine's engine."""
        save = subprocess.Popen(["docker", "save", reference], stdout=subprocess.PIPE)
        environment = {"DOCKER_HOST": self.engine.host, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run(["docker", "load", "--quiet"], stdin=save.stdout, check=True, env=environment, stdout=subprocess.DEVNULL)
        if save.wait() != 0:
            raise RuntimeError(f"docker save {reference} failed")

    def deploy(self, notebook: str, hub: str, userproxy: str) -> None:
        """The network, the secrets, the files as configs, and both hubs with their proxies."""
        run = self.engine.docker
        run("network", "create", "--driver", "overlay", "--attachable", "jupyterhub")
        for name in ("cookie-secret", "proxy-token", "password", "admin-password"):
            run("secret", "create", name, "-", stdin=secrets.token_hex(32).encode())
        for name, text in self._files(notebook).items():
            run("config", "create", _config_name(name), "-", stdin=text.encode())
        for name in ("ours", "stock"):
            self._service(f"{name}-userproxy", userproxy, _socket_volume(name), self._proxy_arguments(name))
            self._service(name, hub, self._hub_options(name), ["jupyterhub", "-f", "/etc/jupyterhub/bench_config.py"])
        socket = f"type=bind,source={self.engine.socket},target=/var/run/docker.sock"
        run("run", "--detach", "--name", "client", "--network", "jupyterhub", "--mount", socket, hub, "sleep", "infinity")
        run("cp", str(HERE / "client.py"), "client:/client.py")

    def call(self, task: str, **job: Any) -> Any:
        """What the task answers. Raises AssertionError with what it said."""
        printed = self.engine.docker(
            "exec", "client", "python3", "/client.py", task, json.dumps({"token": self.token, "like": "jupyter-model", **job})
        )
        return json.loads(printed.splitlines()[-1])

    def usage(self, container: str) -> Usage:
        """What the container has used until now; by its name, or that of its service."""
        client: Any = docker.APIClient(base_url=self.engine.host, version="auto")
        (found,) = client.containers(filters={"name": rf"^/{container}(\.1\..*)?$"})
        stats = client.stats(found["Id"], stream=False, one_shot=True)
        kept = stats["memory_stats"]["stats"]
        memory = kept["anon"] if "anon" in kept else kept["rss"]  # cgroups of version 2, or 1
        return Usage(cpu_s=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, memory=memory)

    def _files(self, notebook: str) -> dict[str, str]:
        files = {config_path(name): text for name, text in hub_files(settings(notebook)).items()}
        files[config_path("bench.json")] = json.dumps({"token": self.token})
        files[config_path("bench_config.py")] = (HERE / "bench_config.py").read_text()
        return files

    def _hub_options(self, name: str) -> list[str]:
        configs = [f"source={_config_name(file)},target={file}" for file in self._files("any")]
        return [
            *(word for config in configs for word in ("--config", config)),
            *("--env", f"BENCH_HUB={name}"),
            *_socket_volume(name),
            *("--secret", "cookie-secret", "--secret", "password", "--secret", "admin-password"),
            *("--mount", f"type=bind,source={self.engine.socket},target=/var/run/docker.sock"),
        ]

    def _service(self, name: str, reference: str, options: list[str], arguments: list[str]) -> None:
        common = ["--detach", "--name", name, "--network", "jupyterhub", "--endpoint-mode", "dnsrr", "--no-resolve-image"]
        self.engine.docker("service", "create", *common, "--secret", "proxy-token", *options, reference, *arguments)

    @staticmethod
    def _proxy_arguments(name: str) -> list[str]:
        return [
            *("--ip=0.0.0.0", "--port=8000", f"--api-socket={SOCKET}"),
            *(f"--error-target=http://{name}:8081/hub/error", f"--default-target=http://{name}:8081"),
        ]


def settings(notebook: str) -> HubSettings:
    """The settings of the hubs: the lab's, but for homes, which are measured elsewhere."""
    return HubSettings(
        title="JupyterHub",
        sign_in={"auth": "dummy", "admins": ["admin"], "allowed_users": [], "oauth": {}},
        announcement="",
        idle_timeout=0,
        max_age=0,
        named_servers=0,
        # What is measured is the start, not the queue before it.
        concurrent_spawn_limit=0,
        active_server_limit=0,
        notebook_image=notebook,
        notebook_role="manager",
        cpu_limit=2,
        cpu_guarantee=0.01,
        memory_limit=1024 * MIB,
        memory_guarantee=100 * MIB,
        lasting_homes=False,
        shared_folder=False,
    )


def _socket_volume(name: str) -> list[str]:
    """The way from a hub to its user proxy's API."""
    return ["--mount", f"type=volume,source={name}-userproxy-api,target={PurePosixPath(SOCKET).parent}"]


def _config_name(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("_", "-")


@contextlib.contextmanager
def bench_swarm(notebook: str = "./images/notebook") -> Iterator[BenchSwarm]:
    """Both hubs up, and the server that the floor's are modelled on. All of it is gone afterwards."""
    references = [image(notebook), image("./images/hub"), image("./images/userproxy")]
    with scratch_folder(BUILD / "engine") as folder:
        engine = DockerEngine(folder)
        try:
            say("starting a Docker engine of the bench alone")
            engine.start()
            swarm = BenchSwarm(engine)
            for reference in references:
                say(f"loading {reference}")
                swarm.load(reference)
            swarm.deploy(*references)
            say(f"first start: {swarm.call('model')['seconds']:.2f} s")
            yield swarm
        finally:
            engine.stop()
