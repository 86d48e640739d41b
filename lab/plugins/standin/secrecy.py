"""Which outputs are secret, given which inputs were.

Two rules keep a secret from losing its mark on the way: where the value at a secret path is unchanged, that path stays
secret; where it changed or moved (a list was sorted, a default was merged in), the whole top-level property becomes
secret.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from standin.diffs import same
from standin.fields import Field
from standin.values import Path, Properties, at_path, has_unknown


def carried(original: Properties, secrets: Iterable[Path], result: Properties) -> frozenset[Path]:
    """The secret paths of `result`, which was made from `original` with its `secrets`."""
    found: set[Path] = set()
    for path in secrets:
        if not path or path[0] not in result:
            continue
        before, after = at_path(original, path), at_path(result, path)
        if same(before, after) or (has_unknown(before) and has_unknown(after)):
            found.add(path)
        else:
            found.add(path[:1])
    return frozenset(found)


def declared(fields: Mapping[str, Field], values: Any, path: Path = ()) -> frozenset[Path]:
    """The paths that are always secret because the field says so."""
    found: set[Path] = set()
    for name, field in fields.items():
        value = values.get(name) if isinstance(values, Mapping) else None
        if value is None:
            continue
        if field.secret:
            found.add((*path, name))
        if field.fields is not None and isinstance(value, Mapping):
            found |= declared(field.fields, value, (*path, name))
        elif field.items is not None and field.items.fields is not None and isinstance(value, list):
            for index, item in enumerate(value):
                found |= declared(field.items.fields, item, (*path, name, index))
    return frozenset(found)


def merged(*groups: Iterable[Path]) -> frozenset[Path]:
    """All paths of all groups. A secret inside a secret keeps its own mark, as the vendor's plugins keep it."""
    return frozenset(path for group in groups for path in group)
