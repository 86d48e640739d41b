"""The hub and the user proxy: two services, so that a restart of the hub leaves notebooks and their connections alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components import commands
from components.node import Node
from components.services import (
    Config,
    Healthcheck,
    Mount,
    Secret,
    ServiceArgs,
    config_file,
    manager_service,
)
from components.swarm_secrets import SecretMaker
from components.userproxy import socket_mount, user_proxy
from services.hub.home_volumes import SERVER_FOLDER, hub_volume

SOURCE = Path(__file__).resolve().parent.parent / "services" / "hub"
# Python files keep their place in the project below CONFIG_FOLDER, so that they import each other there as they do here.
HUB_FILES = (
    "jupyterhub_config.py",
    "swarm_spawner.py",
    "home_names.py",
    "home_volumes.py",
    "owners.py",
    "homes.py",
    "home_hooks.py",
    "socket_proxy.py",
    "sign_in.py",
    "native_admins.py",
    "culling.py",
    "idle_culler_config.py",
    "check_config.py",
)
EXTRA_CONFIG = "hub_extra_config.py"
# The hub's pages, each with what it has of its own; the rest is JupyterHub's.
TEMPLATE_FILES = tuple(f"templates/{page}.html" for page in ("page", "login", "spawn", "spawn_pending", "error"))
CONFIG_FOLDER, STATE_FOLDER = "/etc/jupyterhub", "/var/lib/jupyterhub"
GIB = 1024**3

# Without curl in the image, and as light as Python can be: it runs every 30 s for the life of the hub.
_ALIVE = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8081, timeout=5); "
    "c.request('GET', '/hub/health'); raise SystemExit(c.getresponse().status != 200)"
)


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """What jupyterhub_config.py reads as settings.json. Memory in bytes, CPUs in cores, times in seconds (0 for never).
    `title` is how the site calls itself.

    `sign_in` is as components/sign_in.py renders it. Limits that are 0 are none.
    `notebook_role` is the swarm role of the nodes that notebooks run on: worker, or manager where there are no workers.
    `lasting_homes` is whether homes outlive servers, and `shared_folder` whether they show a folder that all share.
    """

    title: str
    sign_in: dict[str, Any]
    announcement: str
    idle_timeout: int
    max_age: int
    named_servers: int
    concurrent_spawn_limit: int
    active_server_limit: int
    notebook_image: str
    notebook_role: str
    cpu_limit: float
    cpu_guarantee: float
    memory_limit: int
    memory_guarantee: int
    lasting_homes: bool
    shared_folder: bool

    def render(self) -> str:
        """The settings as JSON, the same text for the same settings."""
        return json.dumps(vars(self), indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True, kw_only=True)
class HubArgs:
    """`hub_image` and `userproxy_image` are references that the manager has; `overlay_mtu` is bytes, as text.
    Secrets are made anew in a new swarm (`swarm_id`). `state_folder` is on the manager, for the hub's database.
    Where homes are lasting, `homes_address` is that of their server, and `homes_ready` what must be done before the hub mounts
    them.

    `client_secret` belongs to a sign-in service, and is None without one. `extra_config` is the text of a file of the
    stack's owner, or empty.
    """

    manager: Node
    swarm_id: pulumi.Input[str]
    overlay_mtu: pulumi.Input[str]
    hub_image: pulumi.Input[str]
    userproxy_image: pulumi.Input[str]
    state_folder: pulumi.Input[str]
    homes_address: pulumi.Input[str]
    homes_ready: pulumi.Resource | None
    settings: HubSettings
    client_secret: pulumi.Output[str] | None
    extra_config: str


class Hub(pulumi.ComponentResource):
    """Outputs: `network_id` of the overlay network; `userproxy`, what NGINX forwards to; `password` for all but the admins and
    `admin_password` (secrets), empty where there are none."""

    network_id: pulumi.Output[str]
    userproxy: str
    password: pulumi.Output[str]
    admin_password: pulumi.Output[str]

    def __init__(self, name: str, args: HubArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Hub", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        network = docker.Network(
            f"{name}-network",
            name="jupyterhub",
            driver="overlay",
            options={"com.docker.network.driver.mtu": args.overlay_mtu},
            # The daemon adds the network's VXLAN id to the options. Taken for a change, it would replace the network and
            # every service on it. The MTU is a fact of the cloud and does not change under a running swarm.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["options"]),
        )
        self.network_id = network.id
        self.password = self.admin_password = pulumi.Output.from_input("")
        self._secrets = SecretMaker(name, args.manager, args.swarm_id, self)
        token = self._secrets.random("proxy-token")
        self.userproxy = user_proxy(
            name,
            image=args.userproxy_image,
            network_id=self.network_id,
            token=token,
            title=args.settings.title,
            opts=self._child,
        )
        self._hub(token)
        self.register_outputs({"network_id": self.network_id, "password": self.password, "admin_password": self.admin_password})

    def _hub(self, token: Secret) -> None:
        secrets = [token, self._secrets.random("cookie-secret"), *self._sign_in_secrets()]
        files = self._files()
        # The project's own files are tested; a file of the owner's is tried.
        tried = [self._tried(files)] if self._args.extra_config else []
        manager_service(
            f"{self._name}-hub",
            ServiceArgs(
                service_name="hub",
                image=self._args.hub_image,
                network_id=self.network_id,
                memory_limit=GIB,
                environment={"HOMES_ADDRESS": self._args.homes_address},
                mounts=[
                    Mount(type="bind", source="/var/run/docker.sock", target="/var/run/docker.sock"),
                    Mount(type="bind", source=self._args.state_folder, target=STATE_FOLDER),
                    socket_mount(),
                    *([self._homes(self._args.homes_ready)] if self._args.homes_ready else []),
                ],
                secrets=secrets,
                configs=self._configs(files),
                healthcheck=Healthcheck(
                    tests=["CMD", "python3", "-I", "-S", "-c", _ALIVE],
                    interval="30s",
                    timeout="20s",
                    start_period="5m",
                    retries=3,
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=tried),
        )

    def _sign_in_secrets(self) -> list[Secret]:
        if self._args.client_secret is not None:
            return [self._secrets.given("client-secret", self._args.client_secret), self._secrets.random("crypt-key")]
        # 32 characters are what JupyterHub wants of an admin's shared password.
        admin, self.admin_password = self._secrets.password("admin-password", 32)
        if self._args.settings.sign_in["auth"] != "dummy":
            return [admin]
        everyone, self.password = self._secrets.password("password", 20)
        return [admin, everyone]

    def _homes(self, ready: pulumi.Resource) -> Mount:
        """All homes, over NFS, so that the hub can make one at a user's first start."""
        found = pulumi.Output.from_input(self._args.homes_address).apply(hub_volume)
        volume = docker.Volume(
            f"{self._name}-homes",
            name=found.name,
            driver="local",
            driver_opts=found.options,
            # Other options make another volume. The old one holds nothing, and may be in use by a container that has ended.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[ready], retain_on_delete=True),
        )
        return Mount(type="volume", source=volume.name, target=SERVER_FOLDER)

    def _files(self) -> dict[str, str]:
        """What the hub reads, by the names of this project."""
        files = {file: (SOURCE / file).read_text() for file in (*HUB_FILES, *TEMPLATE_FILES)}
        files["settings.json"] = self._args.settings.render()
        if self._args.extra_config:
            files[EXTRA_CONFIG] = self._args.extra_config
        return files

    def _configs(self, files: dict[str, str]) -> list[Config]:
        return [
            config_file(f"{self._name}-{Path(file).stem.replace('_', '-')}", text, config_path(file), self._child)
            for file, text in files.items()
        ]

    def _tried(self, files: dict[str, str]) -> remote.Command:
        """The configuration, tried in the hub's image before the hub that runs is touched."""
        return remote.Command(
            f"{self._name}-config-check",
            connection=self._args.manager.connection,
            create=pulumi.Output.from_input(self._args.hub_image).apply(commands.check_hub_config),
            stdin=json.dumps({config_path(file): text for file, text in files.items()}),
            opts=self._child,
        )


def config_path(file: str) -> str:
    """Where a file is in the hub's container."""
    module = file in (*HUB_FILES, *TEMPLATE_FILES) and file != "jupyterhub_config.py"
    return f"{CONFIG_FOLDER}/{'services/hub/' if module else ''}{file}"
