"""Two hubs on one swarm, ours and one with dockerspawner's own spawner, and the client that measures them from inside."""

from __future__ import annotations

import json
import secrets
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from components.hub_files import HubSettings, config_path, hub_files
from components.image_source import ImageSource
from components.profiles import Profile
from components.userproxy import SOCKET

HERE = Path(__file__).parent
MIB = 1024**2
NETWORK, MODEL, MTU = "bench", "jupyter-model", "com.docker.network.driver.mtu"
HUB_SECRETS, PROXY_SECRET = ("cookie-secret", "password", "admin-password"), "proxy-token"
# Marks the bench's configs and secrets on a swarm that has others.
LABEL = "bench"


class Engine(Protocol):
    """The engine of a swarm's manager."""

    def docker(self, *arguments: str, stdin: bytes = b"") -> str:
        """What Docker's command line prints. Raises AssertionError with what it says when it fails."""


class BenchSwarm:
    """`call` runs a task of client.py inside the swarm.

    `socket` is where the manager's engine listens; `role` the kind of node for notebooks; `poll_s` how often the client asks
    whether one answers; `mtu` that of the overlay network where it is not Docker's own.
    """

    def __init__(self, engine: Engine, *, socket: str, role: str, poll_s: float, mtu: int = 1500) -> None:
        self._docker, self._socket, self._role = engine.docker, f"type=bind,source={socket},target=/var/run/docker.sock", role
        values = {name: secrets.token_hex(32) for name in (*HUB_SECRETS, PROXY_SECRET)}
        self._secrets, self._token = values, secrets.token_hex(16)
        self._network_options = ["--attachable", "--opt", f"{MTU}={mtu}"]
        self._job = {"token": self._token, "password": values["password"], "like": MODEL, "poll_s": poll_s}

    def deploy(self, notebook: str, hub: str, userproxy: str) -> float:
        """The network, the secrets, the files as configs, both hubs with their proxies, and the server that the floor's are
        modelled on. Seconds that its start took."""
        run = self._docker
        run("network", "create", "--driver", "overlay", *self._network_options, NETWORK)
        for name, value in self._secrets.items():
            run("secret", "create", "--label", LABEL, f"{LABEL}-{name}", "-", stdin=value.encode())
        files = self._files(notebook)
        for name, text in files.items():
            run("config", "create", "--label", LABEL, _config_name(name), "-", stdin=text.encode())
        for name in ("ours", "stock"):
            self._service(f"{name}-userproxy", userproxy, _socket_volume(name), self._proxy_arguments(name))
            command = ["jupyterhub", "-f", config_path("bench_config.py")]
            self._service(name, hub, self._hub_options(name, list(files)), command)
        run("run", "--detach", "--name", "client", "--network", NETWORK, "--mount", self._socket, hub, "sleep", "infinity")
        run("exec", "--interactive", "client", "sh", "-c", "cat > /client.py", stdin=(HERE / "client.py").read_bytes())
        return float(self.call("model")["seconds"])

    def call(self, task: str, **job: Any) -> Any:
        """What the task answers. Raises AssertionError with what it said."""
        printed = self._docker("exec", "client", "python3", "/client.py", task, json.dumps({**self._job, **job}))
        return json.loads(printed.splitlines()[-1])

    def _files(self, notebook: str) -> dict[str, str]:
        rendered = hub_files(settings(notebook, self._role))
        files = {config_path(name): text for name, text in rendered.items()}
        files[config_path("bench.json")] = json.dumps({"token": self._token, "network": NETWORK})
        files[config_path("bench_config.py")] = (HERE / "bench_config.py").read_text()
        return files

    def _hub_options(self, name: str, files: list[str]) -> list[str]:
        configs = [f"source={_config_name(file)},target={file}" for file in files]
        return [
            *(word for config in configs for word in ("--config", config)),
            *("--env", f"BENCH_HUB={name}"),
            *_socket_volume(name),
            *(word for secret in HUB_SECRETS for word in _secret(secret)),
            *("--mount", self._socket),
        ]

    def _service(self, name: str, reference: str, options: list[str], arguments: list[str]) -> None:
        place = ["--network", NETWORK, "--endpoint-mode", "dnsrr"]
        place += ["--constraint", "node.role==manager", "--no-resolve-image"]
        words = [*place, *_secret(PROXY_SECRET), *options, reference, *arguments]
        self._docker("service", "create", "--detach", "--name", name, *words)

    @staticmethod
    def _proxy_arguments(name: str) -> list[str]:
        return [
            *("--ip=0.0.0.0", "--port=8000", f"--api-socket={SOCKET}"),
            *(f"--error-target=http://{name}:8081/hub/error", f"--default-target=http://{name}:8081"),
        ]


def settings(notebook: str, role: str) -> HubSettings:
    """The settings of the hubs: the lab's, but for homes, which are measured elsewhere."""
    server = Profile(
        name="standard",
        description="",
        image=ImageSource(reference=notebook, context=None),
        cpu_limit=2,
        cpu_guarantee=0.01,
        memory_limit=1024 * MIB,
        memory_guarantee=100 * MIB,
        node_label="",
        gpus=0,
    )
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
        notebook_role=role,
        profiles=(server.render(),),
        lasting_homes=False,
        shared_folder=False,
    )


def _socket_volume(name: str) -> list[str]:
    """The way from a hub to its user proxy's API."""
    return ["--mount", f"type=volume,source={LABEL}-{name}-userproxy-api,target={PurePosixPath(SOCKET).parent}"]


def _secret(name: str) -> list[str]:
    return ["--secret", f"source={LABEL}-{name},target={name}"]


def _config_name(path: str) -> str:
    return LABEL + path.replace("/", "-").replace("_", "-")
