"""The network of the nodes: the stack's own behind a router, or an existing one, and who may reach what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_openstack import networking

WORLD = "0.0.0.0/0"
DOOR_PORTS = (80, 443)


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`existing` names a network to use instead of an own one; then `subnet_cidr` and `dns_nameservers` do not count."""

    existing: str
    external_network: str
    subnet_cidr: str
    dns_nameservers: Sequence[str]
    ssh_allowed_cidrs: Sequence[str]


class Network(pulumi.ComponentResource):
    """Outputs: `network_id`, `external_network_id`; `door_group_id` (the manager's), `internal_group_id` (every node's).

    `routed` is what a floating IP must wait for: the router's interface, or nothing on an existing network.
    """

    network_id: pulumi.Output[str]
    external_network_id: pulumi.Output[str]
    door_group_id: pulumi.Output[str]
    internal_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Network", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        invoke = pulumi.InvokeOutputOptions(parent=self)
        external = networking.get_network_output(name=args.external_network, external=True, opts=invoke)
        self.external_network_id = external.id
        self.routed: list[pulumi.Resource] = []
        if args.existing:
            self.network_id = networking.get_network_output(name=args.existing, opts=invoke).id
        else:
            self.network_id = self._own_network(args)
        self.door_group_id = self._door(args.ssh_allowed_cidrs)
        self.internal_group_id = self._internal()
        self.register_outputs({"network_id": self.network_id})

    def _own_network(self, args: NetworkArgs) -> pulumi.Output[str]:
        network = networking.Network(f"{self._name}-network", admin_state_up=True, opts=self._child)
        subnet = networking.Subnet(
            f"{self._name}-subnet",
            network_id=network.id,
            cidr=args.subnet_cidr,
            ip_version=4,
            dns_nameservers=list(args.dns_nameservers),
            opts=self._child,
        )
        router = networking.Router(
            f"{self._name}-router",
            admin_state_up=True,
            external_network_id=self.external_network_id,
            opts=self._child,
        )
        interface = networking.RouterInterface(
            f"{self._name}-router-interface", router_id=router.id, subnet_id=subnet.id, opts=self._child
        )
        self.routed.append(interface)
        # Taken from the subnet, so that a port never comes before the range that its address is from.
        return subnet.network_id

    def _door(self, ssh_allowed_cidrs: Sequence[str]) -> pulumi.Output[str]:
        group = networking.SecGroup(
            f"{self._name}-door",
            description="JupyterHub: the web from everywhere, ssh from chosen ranges",
            opts=self._child,
        )
        for port in DOOR_PORTS:
            self._allow(f"door-{port}", group.id, port=port, cidr=WORLD)
        for cidr in ssh_allowed_cidrs:
            self._allow(f"door-ssh-{cidr.replace('/', '-')}", group.id, port=22, cidr=cidr)
        return group.id

    def _internal(self) -> pulumi.Output[str]:
        group = networking.SecGroup(
            f"{self._name}-internal", description="JupyterHub: everything between the nodes", opts=self._child
        )
        networking.SecGroupRule(
            f"{self._name}-internal-all",
            direction="ingress",
            ethertype="IPv4",
            remote_group_id=group.id,
            security_group_id=group.id,
            opts=self._child,
        )
        return group.id

    def _allow(self, name: str, group_id: pulumi.Output[str], *, port: int, cidr: str) -> None:
        networking.SecGroupRule(
            f"{self._name}-{name}",
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            port_range_min=port,
            port_range_max=port,
            remote_ip_prefix=cidr,
            security_group_id=group_id,
            opts=self._child,
        )
