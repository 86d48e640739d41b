"""The swarm's own image registry: one service on the manager, that every node reaches as `localhost:5000`.

Docker takes a registry on the loopback interface as it is, so no daemon needs a certificate or a setting. Between nodes the
images travel over Swarm's ingress network; a password keeps notebooks out, which could reach the port too.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components.image_source import REGISTRY
from components.node import Node
from components.services import Mount, ServiceArgs, manager_service
from components.storage_commands import make_folder
from components.swarm_secrets import SecretMaker

USER = "jupyterhub"
UID = 990  # of the image's user


@dataclass(frozen=True, kw_only=True)
class RegistryLogin:
    """How nodes sign in at a registry: `server` as images name it, such as ghcr.io. An empty `user` needs no password."""

    server: str
    user: str
    password: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """`state_folder` is on the manager; the password is made anew in a new swarm (`swarm_id`)."""

    manager: Node
    swarm_id: pulumi.Input[str]
    image: pulumi.Input[str]
    state_folder: pulumi.Input[str]


class Registry(pulumi.ComponentResource):
    """Output: `login` for the nodes and for who pushes; its password (secret) is known once the registry runs."""

    login: RegistryLogin

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        folder = remote.Command(
            f"{name}-folder",
            connection=args.manager.connection,
            create=pulumi.Output.from_input(args.state_folder).apply(lambda state: make_folder(f"{state}/registry", UID)),
            triggers=[args.manager.machine_id],
            opts=child,
        )
        secret, password = SecretMaker(name, args.manager, args.swarm_id, self).password("registry-password", 20)
        service = manager_service(
            f"{name}-service",
            ServiceArgs(
                service_name="registry",
                image=args.image,
                memory_limit=256 * 1024**2,
                mounts=[Mount(type="bind", source=folder.stdout, target="/var/lib/registry")],
                secrets=[secret],
                on_every_node=[5000],
            ),
            child,
        )
        known = pulumi.Output.all(password, service.id).apply(lambda values: str(values[0]))
        self.login = RegistryLogin(server=REGISTRY, user=USER, password=known)
        self.register_outputs({"server": REGISTRY})
