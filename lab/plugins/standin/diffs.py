"""Differences between two sets of properties, in the engine's terms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from standin.fields import Field, field_at
from standin.values import Archive, Asset, Path, Unknown


class ChangeKind(Enum):
    """What happened to the value at a path."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One changed path. `replaces`: the resource must be made anew for it.

    `input_diff`: the paths point into the old inputs (else into the old outputs).
    """

    path: Path
    kind: ChangeKind = ChangeKind.UPDATE
    replaces: bool = False
    input_diff: bool = True


@dataclass(frozen=True)
class Diff:
    """The answer of a resource type. No changes: the resource stays as it is."""

    changes: tuple[Change, ...] = ()
    delete_before_replace: bool = False


def compare(old: Mapping[str, Any], new: Mapping[str, Any], path: Path = ()) -> tuple[Change, ...]:
    """The smallest changed paths between two maps. An unknown new value counts as an update."""
    changes: list[Change] = []
    for key in sorted(set(old) | set(new)):
        changes += _changes(old.get(key), new.get(key), (*path, key))
    return tuple(changes)


def _changes(old: Any, new: Any, path: Path) -> list[Change]:
    if old is None and new is None:
        return []
    if old is None:
        return [Change(path, ChangeKind.ADD)]
    if new is None:
        return [Change(path, ChangeKind.DELETE)]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return list(compare(old, new, path))
    if isinstance(old, list) and isinstance(new, list):
        changes: list[Change] = []
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            changes += _changes(before, after, (*path, index))
        return changes
    return [] if same(old, new) else [Change(path, ChangeKind.UPDATE)]


def same(old: Any, new: Any) -> bool:
    """Equality of two values; assets by content hash when both have one, true is not 1, unknown equals nothing."""
    if isinstance(old, Unknown) or isinstance(new, Unknown):
        return False
    if isinstance(old, Asset | Archive) and isinstance(new, Asset | Archive) and old.hash and new.hash:
        return type(old) is type(new) and old.hash == new.hash
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def hide_inside(changes: tuple[Change, ...], secrets: Iterable[Path]) -> tuple[Change, ...]:
    """The changes, with those inside a secret value told as one change of that value."""
    outer = frozenset(secrets)
    found: dict[Path, Change] = {}
    for change in changes:
        prefixes = (change.path[:length] for length in range(1, len(change.path)))
        secret = next((prefix for prefix in prefixes if prefix in outer), None)
        found[secret or change.path] = change if secret is None else Change(secret, ChangeKind.UPDATE)
    return tuple(found.values())


def mark_replacements(changes: tuple[Change, ...], fields: Mapping[str, Field]) -> tuple[Change, ...]:
    """The changes, with `replaces` set where a field on the way to the path says so."""
    return tuple(
        replace(change, replaces=change.replaces or any(field.replaces for field in field_at(fields, change.path)))
        for change in changes
    )
