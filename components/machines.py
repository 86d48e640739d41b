"""The machines: one manager with a floating IP; the workers and, if wanted, a storage server behind it, reached through it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote
from pulumi_openstack import compute, networking

from components.cloud_init import user_data
from components.node import Node

MANAGER, STORAGE = "manager-0", "storage-0"

# A fresh server answers ssh after 20 s on hardware and after minutes under software emulation.
DIAL_ATTEMPTS, DIAL_SECONDS = 150, 15

# What an update of these would do to a running node, and why it must not happen by itself:
#  image_id, image_name: the provider rebuilds the server in place, which wipes its root disk while the plan says "update"
#    (terraform-provider-openstack#1986); a newly published image must not wipe the manager.
#  user_data, key_pair: any change replaces the server (#1190).
FROZEN = ["image_id", "image_name", "user_data", "key_pair"]


@dataclass(frozen=True, kw_only=True)
class MachinesArgs:
    """`prefix` starts the servers' names in OpenStack, so that two stacks in one project can be told apart.

    `storage_flavor` is empty where no server of its own holds the homes.
    """

    prefix: str
    image: str
    manager_flavor: str
    worker_flavor: str
    storage_flavor: str
    workers: int
    ssh_user: str
    ssh_public_key: str
    ssh_private_key: pulumi.Input[str]
    network_id: pulumi.Input[str]
    external_network: str
    door_group_id: pulumi.Input[str]
    internal_group_id: pulumi.Input[str]
    routed: Sequence[pulumi.Resource]


class Machines(pulumi.ComponentResource):
    """Outputs: `manager`, `workers`, `storage` (or None) as Nodes, and `public_ip`, the manager's floating address."""

    manager: Node
    workers: list[Node]
    storage: Node | None
    public_ip: pulumi.Output[str]

    def __init__(self, name: str, args: MachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Machines", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        self._key_pair = compute.Keypair(f"{name}-key", public_key=args.ssh_public_key, opts=self._child)
        # Soft: where the cloud can, a dead hypervisor takes one node along, not all; where it cannot, nodes still come up.
        self._apart = compute.ServerGroup(f"{name}-apart", policies="soft-anti-affinity", opts=self._child)
        self.manager = self._manager()
        self.workers = [self._inner(f"worker-{index}", args.worker_flavor) for index in range(args.workers)]
        self.storage = self._inner(STORAGE, args.storage_flavor) if args.storage_flavor else None
        self.register_outputs({"public_ip": self.public_ip})

    def _manager(self) -> Node:
        args = self._args
        port = self._port(MANAGER, [args.door_group_id, args.internal_group_id])
        instance = self._instance(MANAGER, args.manager_flavor, port)
        floating = networking.FloatingIp(
            f"{self._name}-floating-ip",
            pool=args.external_network,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.routed)),
        )
        # On the port, not the server: the two kinds of association fight (terraform-provider-openstack#605).
        association = networking.FloatingIpAssociate(
            f"{self._name}-floating-ip-association",
            floating_ip=floating.address,
            port_id=port.id,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[instance, *args.routed]),
        )
        self.public_ip = association.floating_ip
        return self._node(MANAGER, port, instance, self._connection(self.public_ip))

    def _inner(self, node: str, flavor: str) -> Node:
        args = self._args
        port = self._port(node, [args.internal_group_id])
        instance = self._instance(node, flavor, port)
        return self._node(node, port, instance, self._connection(_address(port), bastion=self.public_ip))

    def _connection(self, host: pulumi.Output[str], bastion: pulumi.Output[str] | None = None) -> remote.ConnectionArgs:
        """How remote commands reach a node: by its own address, or by the bastion's, with the same user, key and patience."""
        sign_in: dict[str, Any] = {
            "user": self._args.ssh_user,
            "private_key": self._args.ssh_private_key,
            "dial_error_limit": DIAL_ATTEMPTS,
            "per_dial_timeout": DIAL_SECONDS,
        }
        proxy = remote.ProxyConnectionArgs(host=bastion, **sign_in) if bastion is not None else None
        return remote.ConnectionArgs(host=host, proxy=proxy, **sign_in)

    def _port(self, node: str, groups: Sequence[pulumi.Input[str]]) -> networking.Port:
        return networking.Port(
            f"{self._name}-{node}-port",
            network_id=self._args.network_id,
            admin_state_up=True,
            security_group_ids=list(groups),
            opts=self._child,
        )

    def _instance(self, node: str, flavor: str, port: networking.Port) -> compute.Instance:
        args = self._args
        return compute.Instance(
            f"{self._name}-{node}",
            name=f"{args.prefix}-{node}",
            image_name=None if is_uuid(args.image) else args.image,
            image_id=args.image if is_uuid(args.image) else None,
            flavor_name=flavor,
            key_pair=self._key_pair.name,
            # Jetstream2's flavors with GPUs are g3.*; on others the script would find none.
            user_data=user_data(node, args.ssh_user, docker=node != STORAGE, gpu=flavor.startswith("g3.")),
            networks=[compute.InstanceNetworkArgs(port=port.id)],
            scheduler_hints=[compute.InstanceSchedulerHintArgs(group=self._apart.id)],
            # Each ends its services and unmounts before it goes, volumes and homes alike: what is not written yet would be lost.
            stop_before_destroy=True,
            # A replaced worker must be gone before its successor joins under the same name: the drain of the old one would
            # strike the new one off the swarm.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=FROZEN, delete_before_replace=True),
        )

    @staticmethod
    def _node(name: str, port: networking.Port, instance: compute.Instance, connection: remote.ConnectionArgs) -> Node:
        return Node(name=name, address=_address(port), connection=connection, machine=instance, machine_id=instance.id)


def is_uuid(text: str) -> bool:
    """Whether an image is given by its id; two images of one name can only be told apart so."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()) is not None


def _address(port: networking.Port) -> pulumi.Output[str]:
    return port.all_fixed_ips.apply(lambda addresses: str(addresses[0]))
