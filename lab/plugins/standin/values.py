"""Property values as a resource type sees them, and paths into them.

Plain Python: None, bool, int, float, str, list, dict, `Asset`, `Archive`, and `UNKNOWN` where a preview does not know
a value yet. Which of them are secret is kept beside them, as a set of paths (see wire.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Properties: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]


class Unknown:
    """A value that is known only after `up` (a preview sends it). There is one: `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A text or one file. Equal when the content hash is equal (the engine computes it)."""

    text: str | None = None
    path: str | None = None
    uri: str | None = None
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A folder, an archive file, or a map of assets."""

    path: str | None = None
    uri: str | None = None
    assets: Mapping[str, Any] | None = None
    hash: str = ""


def format_path(path: Path) -> str:
    """The engine's way to write a path: `taskSpec.networks[0]["odd.key"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum():
            text += f".{part}" if text else part
        else:
            text += '["' + part.replace('"', '\\"') + '"]'
    return text


def at_path(values: Any, path: Path) -> Any:
    """The value at `path`, or None."""
    for part in path:
        if isinstance(values, Mapping) and isinstance(part, str):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


def has_unknown(value: Any) -> bool:
    """True when the value or any part of it is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)
