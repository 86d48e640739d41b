"""What is asked for: `all`, the shared folder, the owners, or somebody's home by name, e-mail address or folder."""

from __future__ import annotations

import json
from pathlib import Path

from services.hub.home_names import home_of
from services.hub.owners import Owners
from storage.restic import BackupError, Restic

ALL, SHARED, OWNERS = "all", "shared", "owners"
WORDS = (ALL, SHARED, OWNERS)


def asked_for(name: str, homes: list[str], root: Path) -> tuple[str, list[str]]:
    """One of the words and no home, or an empty text and a home's folder; for `all`, the word and all homes.

    A word may be a user's name, too: `users/all` is that home, `all/` is everything. Raises BackupError.
    """
    word = name.removesuffix("/")
    if word in WORDS and word in homes and word == name:
        raise BackupError(f"{name!r} is also the name of a home: HOME=users/{name} for that home, HOME={name}/ for the other")
    if word not in WORDS:
        return "", _home(name.removeprefix("users/"), homes, root)
    if word == ALL and not homes:
        raise BackupError("the snapshot holds no homes; name an older one with SNAPSHOT")
    return word, homes if word == ALL else []


def _home(user: str, homes: list[str], root: Path) -> list[str]:
    found = [home for home in homes if home in (home_of(user), user)] or _alike(user, root, homes)
    if len(found) != 1:
        reason = f"is the address of several: {', '.join(found)}" if found else f"is not in it; it holds {', '.join(homes)}"
        raise BackupError(f"the snapshot has no single home for {user!r}: the name {reason}")
    return found


def _alike(user: str, root: Path, homes: list[str]) -> list[str]:
    """The hub's names are in lower case, and people write their own and their addresses as they like."""
    try:
        owners = Owners(root / "hub").read()
    except ValueError as error:
        raise BackupError(f"whether {user!r} is somebody's address cannot be seen: {error}") from None
    lower = user.lower()
    alike = {home_of(lower), *(home for home, owner in owners.items() if lower == owner.email.lower())}
    return [home for home in homes if home in alike]


def in_snapshot(restic: Restic, snapshot: str, root: Path) -> list[str]:
    """The homes that a snapshot holds."""
    lines = [json.loads(line) for line in restic.run("ls", "--json", snapshot, str(root / "users")).splitlines()]
    return sorted(line["name"] for line in lines if line.get("type") == "dir" and line["path"] == f"{root}/users/{line['name']}")
