"""Quotas of names that nobody has had, which a mistake in a name may be the reason for."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

SETTINGS = Path("/etc/jupyterhub-storage/quotas.json")


def unused(homes: Collection[str], settings: Path = SETTINGS) -> list[str]:
    """A line for each user of the setting homeQuotas whom nobody knows yet; `homes` are the folders that have or had a user."""
    names = json.loads(settings.read_text(encoding="utf-8")).get("names", {})  # absent until the next `up` of an older stack
    return [
        f"homeQuotas: nobody has come by the name {name} yet; if it should be one of the above, write it as it stands there"
        for home, name in sorted(names.items())
        if home not in homes
    ]
