"""What an `up` would change: the state as it is to be against the state as it is."""

from collections.abc import Mapping
from typing import Any

from standin.diffs import Change, ChangeKind
from standin.docker_fields import ApiField, ApiFields
from standin.docker_state import matches, unmatched
from standin.fields import Kind
from standin.values import Path, Unknown


def changes(fields: ApiFields, before: Mapping[str, Any], after: Mapping[str, Any], path: Path = ()) -> list[Change]:
    """The changed paths between a state and a plan. A change replaces the object where its own field says so.

    An object's field does not pass that on to its parts: another number of replicas is an update, another mode is not.
    """
    found: list[Change] = []
    for name, field in fields.items():
        found += _changes(field, before.get(name), after.get(name), (*path, name))
    return found


def _changes(field: ApiField, before: Any, after: Any, path: Path) -> list[Change]:
    if matches(field, before, after):
        return []
    if field.kind is Kind.MAP and not isinstance(after, Unknown):
        return _map_changes(field, before or {}, after or {}, path)
    if not (_is_there(before) and _is_there(after)):
        return [_change(field, path, _kind(_is_there(before), _is_there(after)))]
    if field.fields is not None and isinstance(before, Mapping) and isinstance(after, Mapping):
        return changes(field.fields, before, after, path)
    if isinstance(before, list) and isinstance(after, list):
        return _set_changes(field, before, after, path) if field.unordered else _list_changes(field, before, after, path)
    return [_change(field, path, ChangeKind.UPDATE)]


def _change(field: ApiField, path: Path, kind: ChangeKind) -> Change:
    return Change(path, kind, replaces=field.replaces, input_diff=False)


def _is_there(value: Any) -> bool:
    return value not in (None, "", [])


def _kind(before: bool, after: bool) -> ChangeKind:
    if before and after:
        return ChangeKind.UPDATE
    return ChangeKind.DELETE if before else ChangeKind.ADD


def _map_changes(field: ApiField, before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> list[Change]:
    # A key with an empty value is something else than no key.
    keys = sorted({*before, *after})
    kinds = {key: _kind(key in before, key in after) for key in keys}
    return [
        _change(field, (*path, key), kind)
        for key, kind in kinds.items()
        if kind is not ChangeKind.UPDATE or not matches(None, before[key], after[key])
    ]


def _list_changes(field: ApiField, before: list[Any], after: list[Any], path: Path) -> list[Change]:
    found: list[Change] = []
    items = field.items or field
    for index in range(max(len(before), len(after))):
        place = (*path, index)
        if index < len(before) and index < len(after):
            part = _changes(items, before[index], after[index], place)
            found += part if items.fields is not None else [_change(field, place, change.kind) for change in part]
        else:
            found.append(_change(field, place, _kind(index < len(before), index < len(after))))
    return found


def _set_changes(field: ApiField, before: list[Any], after: list[Any], path: Path) -> list[Change]:
    gone, new = set(unmatched(field, before, after)), set(unmatched(field, after, before))
    return [_change(field, (*path, index), _kind(index in gone, index in new)) for index in sorted(gone | new)]
