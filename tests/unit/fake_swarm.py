"""A docker client that plays a swarm: one service, and its tasks look by look."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from docker.errors import APIError, NotFound

SERVICE = "id-of-the-service"


def task(state: str, second: int = 0, desired: str = "running", **status: str) -> dict[str, Any]:
    """A task as the Docker API tells it, created at a second of one minute."""
    return {
        "ID": f"task-{second}",
        "ServiceID": SERVICE,
        "NodeID": "" if state in ("new", "pending") else "node-1",
        "CreatedAt": f"2026-01-01T00:00:{second:02}.5Z",
        "DesiredState": desired,
        "Status": {"State": state, **status},
        "Spec": {},
        "NetworksAttachments": [{"Network": {"Spec": {"Name": "jupyterhub"}}, "Addresses": ["10.0.1.5/22"]}],
    }


def node(name: str = "worker-1", **changes: Any) -> dict[str, Any]:
    """A worker of 4 GiB and 2 CPUs as the Docker API tells it."""
    return {
        "ID": changes.get("id", "node-1"),
        "Spec": {
            "Role": changes.get("role", "worker"),
            "Availability": changes.get("availability", "active"),
            "Labels": changes.get("labels", {}),
        },
        "Status": {"State": changes.get("state", "ready")},
        "Description": {"Hostname": name, "Resources": {"MemoryBytes": 4 * 1024**3, "NanoCPUs": 2_000_000_000}},
    }


def refusal(status: int, text: str = "refused") -> APIError:
    """What docker-py raises for an answer with this status."""
    response: Any = SimpleNamespace(status_code=status, reason=text, url="")
    return (NotFound if status == 404 else APIError)(text, response=response, explanation=text)


class Swarm:
    """Each look at the service's tasks takes the next of `looks`; the last one stays. `calls` are the methods asked for."""

    def __init__(self) -> None:
        self.looks: list[list[dict[str, Any]]] = [[]]
        self.others: list[dict[str, Any]] = []
        self.exists = False
        self.conflicts = 0
        self.created: dict[str, Any] = {}
        self.calls: list[str] = []
        self.log = b""
        self.node = node()

    def inspect_service(self, name: str) -> dict[str, Any]:
        if not self.exists:
            raise refusal(404, f"service {name} not found")
        return {"ID": SERVICE, "Spec": {"Name": name, "TaskTemplate": {"ContainerSpec": {}}}}

    def create_service(self, **arguments: Any) -> dict[str, str]:
        self.calls.append("create")
        if self.conflicts:
            self.conflicts, self.exists = self.conflicts - 1, True
            raise refusal(409, "name conflicts with an existing object")
        self.exists, self.created = True, arguments
        return {"ID": SERVICE}

    def remove_service(self, name: str) -> None:
        self.calls.append("remove")
        if not self.exists:
            raise refusal(404, f"service {name} not found")
        self.exists = False

    def tasks(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        if filters is None:
            return [*self.looks[0], *self.others]
        if not self.exists:
            raise refusal(404, "service not found")
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def inspect_task(self, name: str) -> dict[str, Any]:
        self.calls.append(f"inspect {name}")
        raise refusal(404, f"task {name} not found")

    def nodes(self) -> list[dict[str, Any]]:
        return [self.node]

    def inspect_node(self, name: str) -> dict[str, Any]:
        assert name == self.node["ID"]
        return self.node

    def service_logs(self, name: str, **options: Any) -> Iterator[bytes]:
        assert (name, options["stdout"], options["stderr"]) == (SERVICE, True, True)
        return iter([self.log])
