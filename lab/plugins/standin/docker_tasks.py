"""Waiting for a service's tasks (`convergeConfig`), and what to say when they do not come."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from standin.docker_codecs import parse_duration
from standin.docker_connection import DockerApi
from standin.docker_resource import DockerContext
from standin.errors import ProviderError

# Seconds between two looks; a `delay` in convergeConfig that is shorter wins.
_LONGEST_PAUSE: Final = 1.0
_UNDER_WAY: Final = frozenset({"updating", "rollback_started"})
_GAVE_UP: Final = frozenset({"paused", "rollback_paused", "rollback_completed"})
# Tasks of a failing service pile up; the newest few say what is wrong.
_ERRORS_SHOWN: Final = 3


class NotConverged(ProviderError):  # noqa: N818 - reads as what it is
    """The tasks did not come to run in time, or the swarm gave up."""


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to look, in seconds."""

    timeout: float
    pause: float
    timeout_text: str

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> "Patience":
        """Reads a `convergeConfig`."""
        pause = min(parse_duration(settings["delay"]) / 1e9, _LONGEST_PAUSE)
        return cls(parse_duration(settings["timeout"]) / 1e9, max(pause, 0.1), settings["timeout"])


def converge(context: DockerContext, service_id: str, patience: Patience, since: Mapping[str, Any]) -> None:
    """Returns when as many tasks of the service's present spec run as it has replicas.

    `since` is the service before an update ({} for a new one): an outcome it had already says nothing about this one.
    Raises NotConverged with the tasks' own errors.
    """
    api, deadline = context.required_config(), time.monotonic() + patience.timeout
    while True:
        context.wait(patience.pause)
        service = api.get(f"/services/{service_id}")
        if service is None:
            raise NotConverged("it was removed while its tasks were waited for")
        status = _update_status(service, since)
        if status.get("State") in _GAVE_UP:
            raise NotConverged(
                f"the swarm gave the update up ({status['State']}: {status.get('Message', '')}); "
                f"{describe_errors(api, service_id)}"
            )
        running, wanted = _running(api, service), replicas(service)
        if running == wanted and status.get("State") not in _UNDER_WAY:
            return
        context.status(f"{running} of {wanted} tasks run")
        if time.monotonic() > deadline:
            raise NotConverged(
                f"{running} of {wanted} tasks run after {patience.timeout_text} (convergeConfig.timeout); "
                f"{describe_errors(api, service_id)}"
            )


def replicas(service: Mapping[str, Any]) -> int:
    """How many tasks a replicated service is to have."""
    return int(service["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1))


def _update_status(service: Mapping[str, Any], since: Mapping[str, Any]) -> Mapping[str, Any]:
    status: Mapping[str, Any] = service.get("UpdateStatus") or {}
    before = since.get("UpdateStatus") or {}
    is_old = status.get("StartedAt") == before.get("StartedAt") and status.get("State") == before.get("State")
    return {} if is_old else status


def _running(api: DockerApi, service: Mapping[str, Any]) -> int:
    """The slots whose every task that is to run does run, with the present spec, on a node that is not down."""
    down = {node["ID"] for node in api.get("/nodes") if node["Status"]["State"] == "down"}
    wanted = _comparable(service["Spec"]["TaskTemplate"])
    slots: dict[int, bool] = {}
    for task in tasks(api, service["ID"], **{"desired-state": "running"}):
        if task.get("NodeID") in down:
            continue
        runs = task["Status"]["State"] == "running" and _comparable(task["Spec"]) == wanted
        slots[task.get("Slot", 0)] = slots.get(task.get("Slot", 0), True) and runs
    return sum(slots.values())


def _comparable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A task's spec without what only a service shows."""
    return {name: value for name, value in spec.items() if name != "Runtime"}


def tasks(api: DockerApi, service_id: str, **filters: str) -> list[Any]:
    """The service's tasks, newest first."""
    wanted = {"service": [service_id], **{name: [value] for name, value in filters.items()}}
    found = api.get("/tasks", filters=json.dumps(wanted)) or []
    return sorted(found, key=lambda task: str(task["CreatedAt"]), reverse=True)


def describe_errors(api: DockerApi, service_id: str) -> str:
    """What the newest tasks say is wrong, each error once."""
    names = {node["ID"]: node.get("Description", {}).get("Hostname", "") for node in api.get("/nodes")}
    return summarize(tasks(api, service_id), names)


def summarize(found: Iterable[Mapping[str, Any]], nodes: Mapping[str, str]) -> str:
    """One line of the tasks' errors, or of their states where none has an error. `found` is newest first."""
    failed: list[str] = []
    others: list[str] = []
    for task in found:
        status = task["Status"]
        place = f" on {nodes.get(task['NodeID']) or task['NodeID']}" if task.get("NodeID") else ""
        line = f"{status['State']}{place}: {status.get('Err') or status.get('Message') or 'no reason given'}"
        lines = failed if status.get("Err") else others
        if line not in lines:
            lines.append(line)
    shown = (failed or others)[:_ERRORS_SHOWN]
    return f"its last tasks: {'; '.join(shown)}" if shown else "it has no tasks yet"
