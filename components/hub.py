"""The hub and the user proxy: two services, so that a restart of the hub leaves notebooks and their connections alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker
from pulumi_command import remote

from components import commands
from components.hub_files import SETTINGS, HubSettings, config_path, hub_files
from components.node import Node
from components.services import (
    BindOptions,
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
from services.hub.home_volumes import HUB_MOUNTS

STATE_FOLDER = "/var/lib/jupyterhub"
HUB = "hub"  # the service's name
GIB = 1024**3

# Without curl in the image, and as light as Python can be: it runs every 30 s for the life of the hub.
_ALIVE = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8081, timeout=5); "
    "c.request('GET', '/hub/health'); raise SystemExit(c.getresponse().status != 200)"
)


@dataclass(frozen=True, kw_only=True)
class HubArgs:
    """`hub_image` and `userproxy_image` are references that the manager has; `overlay_mtu` is bytes, as text.
    Secrets are made anew in a new swarm (`swarm_id`). `state_folder` is on the manager, for the hub's database.
    Where homes are lasting, `homes_address` is that of their server, and `homes_folder` the folder on the manager that they are
    mounted below, or not yet.

    `images_present` is what must be done before the hub offers its profiles: every node has their images.

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
    homes_folder: pulumi.Input[str] | None
    settings: HubSettings
    images_present: Sequence[pulumi.Resource]
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
        files = hub_files(self._args.settings, self._args.extra_config)
        # The project's own files are tested; a file of the owner's is tried.
        tried = [self._tried(files)] if self._args.extra_config else []
        manager_service(
            f"{self._name}-hub",
            ServiceArgs(
                service_name=HUB,
                image=self._args.hub_image,
                network_id=self.network_id,
                memory_limit=GIB,
                environment={"HOMES_ADDRESS": self._args.homes_address},
                mounts=[
                    Mount(type="bind", source="/var/run/docker.sock", target="/var/run/docker.sock"),
                    Mount(type="bind", source=self._args.state_folder, target=STATE_FOLDER),
                    socket_mount(),
                    *([_homes(self._args.homes_folder)] if self._args.homes_folder is not None else []),
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
        admin, self.admin_password = self._secrets.password("admin-password", 32, HUB)
        if self._args.settings.sign_in["auth"] != "dummy":
            return [admin]
        everyone, self.password = self._secrets.password("password", 20, HUB)
        return [admin, everyone]

    def _configs(self, files: dict[str, str]) -> list[Config]:
        after_images = pulumi.ResourceOptions(parent=self, depends_on=list(self._args.images_present))
        return [
            config_file(
                f"{self._name}-{Path(file).stem.replace('_', '-')}",
                text,
                config_path(file),
                after_images if file == SETTINGS else self._child,
            )
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


def _homes(folder: pulumi.Input[str]) -> Mount:
    """All homes, so that the hub can make one at a user's first start. The hub starts without them, and sees what the manager
    mounts below the folder when it does (rslave)."""
    return Mount(type="bind", source=folder, target=HUB_MOUNTS, bind_options=BindOptions(propagation="rslave"))
