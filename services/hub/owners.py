"""Whose home is which folder: one file on the homes volume that the hub writes and an admin reads (`make users`)."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Of one home: the user's name in the hub, the e-mail address or an empty text, and the day of the first start, in UTC."""

    name: str
    email: str
    first_seen: str


class OwnerFile:
    """The owners by their homes, as JSON. One writer, replaced at once: a reader never meets half a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Owner]:
        """All owners. Raises ValueError, with the file's name, where it is not what this class has written."""
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            return {home: Owner(**owner) for home, owner in values.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._path} is damaged ({error}); restore it from a backup, or move it away") from None

    def record(self, home: str, name: str, email: str, now: str) -> None:
        """Enter the owner of a home, or a new address of the same; an empty address never replaces one.

        Raises ValueError where the home is another user's: the names of folders differ, so somebody has edited the file.
        """
        owners = self.read()
        known = owners.get(home, Owner(name=name, email=email, first_seen=now))
        if known.name != name:
            raise ValueError(f"the home {home} belongs to {known.name} by {self._path}")
        owner = Owner(name=name, email=email or known.email, first_seen=known.first_seen)
        if owners.get(home) != owner:
            self._write({**owners, home: owner})

    def _write(self, owners: dict[str, Owner]) -> None:
        text = json.dumps({home: asdict(owner) for home, owner in sorted(owners.items())}, indent=1, ensure_ascii=False)
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def email_of(name: str, auth_state: Any) -> str:
    """The address that a sign-in service told (at the top of its state, or one level down), else the name if that is one."""
    states = [auth_state, *(auth_state.values() if isinstance(auth_state, dict) else ())]
    told = [state["email"] for state in states if isinstance(state, dict) and isinstance(state.get("email"), str)]
    return next(filter(None, told), name if "@" in name.strip("@") else "")
