"""A node as the components after `machines` see it: a name, an address and a way in. Never an OpenStack type."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_command import remote


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of the deployment.

    `name` is its host name and its name in the swarm; `address` its internal IPv4 address; `connection` how remote
    commands reach it; `machine` the resource whose replacement makes all work on it void (a trigger and a
    `deleted_with`), and `machine_id` that resource's id.
    """

    name: str
    address: pulumi.Output[str]
    connection: remote.ConnectionArgs
    machine: pulumi.Resource
    machine_id: pulumi.Output[str]
