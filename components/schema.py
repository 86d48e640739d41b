"""Pulumi.yaml's `config` section: the one place of every setting's type, default and description."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT_FILE = Path(__file__).resolve().parent.parent / "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class Key:
    """One setting: `type` is string, integer, boolean, array (of strings or objects) or object."""

    name: str
    type: str
    default: Any
    description: str


def load(path: Path = PROJECT_FILE) -> dict[str, Key]:
    """The settings of the project by name, in the order of the file."""
    section = yaml.safe_load(path.read_text())["config"]
    return {
        name: Key(name=name, type=spec["type"], default=spec["default"], description=spec["description"])
        for name, spec in section.items()
    }


def markdown_table(keys: dict[str, Key]) -> str:
    """The settings as a Markdown table, for docs/configuration.md and the README."""
    rows = ["| Key | Type | Default | What it is, and what a change does |", "| --- | --- | --- | --- |"]
    for key in keys.values():
        default = "" if key.default in ("", [], {}) else f"`{_plain(key.default)}`"
        rows.append(f"| `{key.name}` | {key.type} | {default} | {key.description} |")
    return "\n".join(rows) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
