"""The swarm, begun on the manager, and the provider that speaks to its Docker daemon. Workers join it in workers.py."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_command import remote
from pulumi_docker.provider import Provider

from components import commands, swarm_commands
from components.node import Node

VXLAN_HEADER = 50  # bytes that an overlay network's encapsulation takes of the underlay's MTU


@dataclass(frozen=True, kw_only=True)
class SwarmArgs:
    """`ssh_private_key_file` is an absolute path, for the docker provider's ssh client; `address_pool` a CIDR."""

    manager: Node
    address_pool: str
    ssh_user: str
    ssh_private_key_file: str


class Swarm(pulumi.ComponentResource):
    """Outputs: `swarm_id`; `overlay_mtu` (bytes, as text); `docker`, the provider for the manager's daemon; `manager_ready`,
    the command that image builds on the manager wait for.

    `docker`'s host is data of the swarm's initialisation, since `depends_on` of a provider is not honoured (pulumi#8917).
    """

    swarm_id: pulumi.Output[str]
    overlay_mtu: pulumi.Output[str]
    docker: Provider
    manager_ready: remote.Command

    def __init__(self, name: str, args: SwarmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Swarm", name, None, opts)
        self._name, self._args = name, args
        manager = args.manager
        self.manager_ready = node_ready(name, manager, self)
        on_manager = pulumi.ResourceOptions(parent=self, depends_on=[self.manager_ready], deleted_with=manager.machine)
        mtu = remote.Command(
            f"{name}-mtu",
            connection=manager.connection,
            create=commands.nic_mtu(),
            triggers=[manager.machine_id],
            opts=on_manager,
        )
        self.overlay_mtu = mtu.stdout.apply(lambda text: str(int(text) - VXLAN_HEADER))
        self._initialised = remote.Command(
            f"{name}-init",
            connection=manager.connection,
            create=manager.address.apply(lambda address: swarm_commands.begin(address, args.address_pool)),
            triggers=[manager.machine_id],
            opts=on_manager,
        )
        self.swarm_id = self._initialised.stdout
        self.docker = self._docker_provider()
        self.register_outputs({"swarm_id": self.swarm_id, "overlay_mtu": self.overlay_mtu})

    def _docker_provider(self) -> Provider:
        args = self._args
        host = pulumi.Output.all(args.manager.connection.host, self.swarm_id).apply(
            lambda values: f"ssh://{args.ssh_user}@{values[0]}:22"
        )
        return Provider(
            f"{self._name}-docker",
            host=host,
            ssh_opts=[
                "-i",
                args.ssh_private_key_file,
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
            ],
            opts=pulumi.ResourceOptions(parent=self, deleted_with=args.manager.machine),
        )


def node_ready(name: str, node: Node, parent: pulumi.Resource) -> remote.Command:
    """The command that ends once the node has booted for the first time and its Docker answers."""
    return remote.Command(
        f"{name}-{node.name}-ready",
        connection=node.connection,
        create=commands.wait_ready(),
        triggers=[node.machine_id],
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=node.machine),
    )
