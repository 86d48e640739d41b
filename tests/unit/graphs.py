"""A rendered graph with look-ups, so that tests read as sentences about resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.graph import PROJECT, SECRET_KEY, Registered, render

COMMAND = "command:remote:Command"
INSTANCE = "openstack:compute/instance:Instance"
ATTACHMENT = "openstack:compute/volumeAttach:VolumeAttach"
VOLUME = "openstack:blockstorage/volume:Volume"
PORT = "openstack:networking/port:Port"
SECURITY_RULE = "openstack:networking/secGroupRule:SecGroupRule"
SERVICE = "docker:index/service:Service"
SERVICE_CONFIG = "docker:index/serviceConfig:ServiceConfig"
OVERLAY = "docker:index/network:Network"


@dataclass(frozen=True)
class Graph:
    """The resources of one run of the program, in the order of their registration."""

    resources: list[Registered]

    def __getitem__(self, name: str) -> Registered:
        found = [resource for resource in self.resources if resource.name == name]
        assert len(found) == 1, f"{len(found)} resources are named {name}; there are {sorted(self.names())}"
        return found[0]

    def names(self) -> set[str]:
        return {resource.name for resource in self.resources}

    def of_type(self, kind: str) -> list[Registered]:
        found = [resource for resource in self.resources if resource.type == kind]
        assert found, f"no resource of type {kind}"
        return found

    def deleted_with(self, name: str) -> str:
        """What a resource is deleted with: its own option, else its parent's, as the engine inherits it."""
        resource = self[name]
        if resource.deleted_with or not resource.parent:
            return resource.deleted_with
        return self.deleted_with(resource.parent)


def rendered(values: dict[str, str], preview: bool = False) -> Graph:
    """The program's graph for settings by their short keys."""
    return Graph(render({f"{PROJECT}:{key}": value for key, value in values.items()}, preview=preview))


def is_secret(value: Any) -> bool:
    """Whether a registered input is wrapped as a secret."""
    return isinstance(value, dict) and SECRET_KEY in value


def revealed(value: Any) -> Any:
    """A registered input without the wrapping of secrets."""
    if is_secret(value):
        return revealed(value["value"])
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def plain_texts(value: Any) -> Iterator[str]:
    """Every text inside a registered input that is not wrapped as a secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and not is_secret(value):
        for item in value.values():
            yield from plain_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from plain_texts(item)
