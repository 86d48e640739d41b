"""What a stack tells its user: the address, the way in, and a table of the nodes."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.node import Node


def ssh_command(user: str, host: pulumi.Input[str], private_key_file: str) -> pulumi.Output[str]:
    """The line that opens a shell on the manager."""
    return pulumi.Output.format("ssh -i {0} {1}@{2}", private_key_file, user, host)


def node_table(manager: Node, workers: Sequence[Node], storage: Node | None) -> list[dict[str, pulumi.Input[str]]]:
    """One row a node: its name, its role and its internal address."""
    nodes = [(manager, "manager"), *((worker, "worker") for worker in workers)]
    if storage:
        nodes.append((storage, "storage"))
    return [{"name": node.name, "role": role, "address": node.address} for node, role in nodes]
