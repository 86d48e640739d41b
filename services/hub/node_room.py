"""How much room the nodes have for a server, as Swarm counts it: what is reserved, not what is used. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from services.hub.start_errors import Need, NodeRoom
from services.hub.swarm_tasks import is_alive


def rooms(need: Need, nodes: Iterable[dict[str, Any]], tasks: Iterable[dict[str, Any]]) -> list[NodeRoom]:
    """The nodes (as the Docker API tells them) that are up, take tasks and meet the constraints, in the order of their names.

    `tasks` are all tasks of the swarm; those that live take what they reserve.
    """
    reserved: dict[str, list[int]] = {}
    for task in filter(is_alive, tasks):
        asked = (task["Spec"].get("Resources") or {}).get("Reservations") or {}
        taken = reserved.setdefault(task.get("NodeID", ""), [0, 0])
        taken[0] += asked.get("MemoryBytes", 0)
        taken[1] += asked.get("NanoCPUs", 0)
    fitting = [node for node in nodes if takes_tasks(node) and all(meets(node, rule) for rule in need.constraints)]
    return sorted((_room(node, reserved.get(node["ID"], [0, 0])) for node in fitting), key=lambda room: room.name)


def _room(node: dict[str, Any], reserved: list[int]) -> NodeRoom:
    has = node["Description"]["Resources"]
    memory, cpus = has["MemoryBytes"], has["NanoCPUs"] / 1e9
    return NodeRoom(
        name=name_of(node),
        memory=memory,
        free_memory=max(0, memory - reserved[0]),
        cpus=cpus,
        free_cpus=max(0.0, cpus - reserved[1] / 1e9),
    )


def name_of(node: dict[str, Any]) -> str:
    """The node's host name, which people know it by."""
    return str(node["Description"]["Hostname"])


def is_up(node: dict[str, Any]) -> bool:
    """Whether the node answers its manager."""
    return bool(node["Status"]["State"] == "ready")


def takes_tasks(node: dict[str, Any]) -> bool:
    """Whether Swarm would put new tasks on the node at all."""
    return is_up(node) and node["Spec"]["Availability"] == "active"


def meets(node: dict[str, Any], rule: str) -> bool:
    """Whether the node meets a placement constraint on its role or its labels; others are taken as met."""
    match = re.fullmatch(r"\s*node\.(role|labels\.[^\s=!]+)\s*(==|!=)\s*(.*?)\s*", rule)
    if not match:
        return True
    key, operator, value = match.groups()
    spec = node["Spec"]
    has = spec["Role"] if key == "role" else (spec.get("Labels") or {}).get(key.removeprefix("labels."))
    return bool((has == value) == (operator == "=="))
