"""Pulumi.yaml's `config` section: the one place of every setting's type, default and description."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Not in the section: what has a default there is stored in plain text (the stack's file would hold an empty secret).
SECRETS = (
    *("backupPassword", "backupCredentials", "backupSshKey", "clientSecret", "certificate", "certificateKey", "registryPassword"),
    *("acmeEabKeyId", "acmeEabHmacKey"),
)
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


def unknown_names(names: Iterable[str], keys: Iterable[str]) -> Iterator[str]:
    """One line for each name that is neither a setting nor a secret of the project, with the nearest that is."""
    known = [*keys, *SECRETS]
    for name in sorted(set(names).difference(known)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        remedy = f"did you mean {near[0]}?" if near else "see docs/configuration.md"
        yield f"{name}: is no setting of this project; {remedy} (pulumi config rm {name})"


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
