"""The hub and the user proxy: two services, so that a restart of the hub leaves notebooks and their connections alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
    secret_file,
)
from components.userproxy import socket_mount, user_proxy
from services.hub.home_volumes import SERVER_FOLDER, hub_volume

SOURCE = Path(__file__).resolve().parent.parent / "services" / "hub"
# Python files keep their place in the project below CONFIG_FOLDER, so that they import each other there as they do here.
HUB_FILES = tuple(sorted(path.name for path in SOURCE.glob("*.py")))
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
    """What jupyterhub_config.py reads as settings.json. Memory in bytes, CPUs in cores; `auth` is native or dummy; `title` is how
    the site calls itself.

    `notebook_role` is the swarm role of the nodes that notebooks run on: worker, or manager where there are no workers.
    `profiles` are the kinds of servers to choose from, as components/profiles.py renders them, the first for who chooses none;
    `room_timeout` is seconds. `lasting_homes` is whether homes outlive servers, and `shared_folder` whether they show a
    folder that all share.
    """

    title: str
    auth: str
    admins: tuple[str, ...]
    notebook_image: str
    notebook_role: str
    cpu_limit: float
    cpu_guarantee: float
    memory_limit: int
    memory_guarantee: int
    lasting_homes: bool
    shared_folder: bool
    room_timeout: int = 60
    profiles: tuple[dict[str, Any], ...] = ()

    def render(self) -> str:
        """The settings as JSON, the same text for the same settings."""
        return json.dumps(vars(self), indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True, kw_only=True)
class HubArgs:
    """`hub_image` and `userproxy_image` are references that the manager has; `overlay_mtu` is bytes, as text.
    Secrets are made anew in a new swarm (`swarm_id`). `state_folder` is on the manager, for the hub's database.
    Where homes are lasting, `homes_address` is that of their server, and `homes_ready` what must be done before the hub mounts
    them.

    `images_present` is what must be done before the hub offers its profiles: every node has their images.

    `with_password` makes one generated password for all, for the dummy authenticator.
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
    images_present: Sequence[pulumi.Resource]
    with_password: bool


class Hub(pulumi.ComponentResource):
    """Outputs: `network_id` of the overlay network; `userproxy`, what NGINX forwards to; `password` (secret), empty if none."""

    network_id: pulumi.Output[str]
    userproxy: str
    password: pulumi.Output[str]

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
        self.password = pulumi.Output.from_input("")
        token = self._secret("proxy-token", commands.make_secret("jupyterhub-proxy-token"))
        self.userproxy = user_proxy(
            name,
            image=args.userproxy_image,
            network_id=self.network_id,
            token=token,
            title=args.settings.title,
            opts=self._child,
        )
        self._hub(token)
        self.register_outputs({"network_id": self.network_id, "password": self.password})

    def _hub(self, token: Secret) -> None:
        secrets = [token, self._secret("cookie-secret", commands.make_secret("jupyterhub-cookie-secret"))]
        if self._args.with_password:
            secrets.append(self._password())
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
                configs=self._configs(),
                healthcheck=Healthcheck(
                    tests=["CMD", "python3", "-I", "-S", "-c", _ALIVE],
                    interval="30s",
                    timeout="20s",
                    start_period="5m",
                    retries=3,
                ),
            ),
            self._child,
        )

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

    def _configs(self) -> list[Config]:
        files = {file: (SOURCE / file).read_text() for file in (*HUB_FILES, *TEMPLATE_FILES)}
        configs = [
            config_file(f"{self._name}-{Path(file).stem.replace('_', '-')}", text, config_path(file), self._child)
            for file, text in files.items()
        ]
        after_images = pulumi.ResourceOptions(parent=self, depends_on=list(self._args.images_present))
        text, path = self._args.settings.render(), config_path("settings.json")
        return [*configs, config_file(f"{self._name}-settings", text, path, after_images)]

    def _secret(self, name: str, create: pulumi.Input[str]) -> Secret:
        """A swarm secret made on the manager, so that its value need not pass through Pulumi's state."""
        made = remote.Command(
            f"{self._name}-{name}",
            connection=self._args.manager.connection,
            create=create,
            triggers=[self._args.swarm_id],
            opts=self._child,
        )
        return secret_file(made.stdout, f"jupyterhub-{name}", name)

    def _password(self) -> Secret:
        generated = remote.Command(
            f"{self._name}-password-text",
            connection=self._args.manager.connection,
            create=commands.random_password(),
            triggers=[self._args.swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["stdout"]),
        )
        self.password = pulumi.Output.secret(generated.stdout)
        # Removed with the setting that made it: a later dummy sign-in has another password, and must not meet the old secret.
        stored = remote.Command(
            f"{self._name}-password",
            connection=self._args.manager.connection,
            create=commands.store_secret("jupyterhub-password"),
            delete=commands.remove_secret("jupyterhub-password"),
            stdin=self.password,
            triggers=[self._args.swarm_id],
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        return secret_file(stored.stdout, "jupyterhub-password", "password")


def config_path(file: str) -> str:
    """Where a file is in the hub's container."""
    module = file in (*HUB_FILES, *TEMPLATE_FILES) and file != "jupyterhub_config.py"
    return f"{CONFIG_FOLDER}/{'services/hub/' if module else ''}{file}"
