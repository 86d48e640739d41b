"""Swarm takes what stands in `{{ }}` for a program: in a container's variables, host name and mounts, it runs it, on the manager,
when it makes the task (swarmkit, template/expand.go). A name that somebody chose is no program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

BEGINS, AS_TEXT = "{{", '{{"{{"}}'  # the second is a template that writes the first


def found_in(*settings: Any) -> frozenset[str]:
    """The templates in settings of the owner's: texts with `{{`, in lists and dicts too."""
    return frozenset(text for text in _texts(settings) if BEGINS in text)


def contained(container: dict[str, Any], templates: frozenset[str]) -> dict[str, Any]:
    """The same docker.types.ContainerSpec, in which none but these templates run: every other text arrives as it is."""

    def inert(text: Any) -> Any:
        return text if not isinstance(text, str) or text in templates else text.replace(BEGINS, AS_TEXT)

    def variable(entry: str) -> str:
        name, equals, value = entry.partition("=")
        return entry if entry in templates else name + equals + inert(value)

    changed = dict(container)
    if container.get("Env"):
        changed["Env"] = [variable(entry) for entry in container["Env"]]
    if container.get("Hostname"):
        changed["Hostname"] = inert(container["Hostname"])
    if container.get("Mounts"):
        changed["Mounts"] = [_each_text(mount, inert) for mount in container["Mounts"]]
    return changed


def _each_text(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each_text(one, change) for key, one in value.items()}
    return [_each_text(one, change) for one in value] if isinstance(value, list | tuple) else change(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
