"""Whose home is which folder: a small file for each home that the hub writes and an admin reads (`make users`)."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.hub.whole_files import replace

FOLDER, OLD_FILE = "owners", "owners.json"  # in the hub's folder on the storage of the homes
SUFFIX = ".json"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Of one home: the user's name in the hub, the e-mail address or an empty text, and the day of the first start, in UTC."""

    name: str
    email: str
    first_seen: str


class Owners:
    """The owners by their homes, below `hub`, the hub's folder on the storage: `owners/<home>.json`.

    A start reads one file and writes it only where something is new, at once, so that a reader never meets half of one and
    several writers need no lock. `owners.json`, all homes in one file, is what earlier versions wrote: it is read for homes that
    have no file of their own, and never written.
    """

    def __init__(self, hub: Path) -> None:
        self._folder, self._old = hub / FOLDER, OldFile(hub / OLD_FILE)

    def read(self) -> dict[str, Owner]:
        """All owners. A file that is damaged stands in the owner's name, so that the others are seen.

        Raises ValueError where the old file, which may hold any of them, is damaged.
        """
        owners = dict(self._old.read())
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                owners[path.stem] = _owner(path)
            except ValueError:
                owners[path.stem] = Owner(name=f"? ({path} is damaged)", email="", first_seen="-")
        return owners

    def record(self, home: str, name: str, email: str, now: str) -> None:
        """Enter the owner of a home, or a new address of the same; an empty address never replaces one.

        Raises ValueError where the home's file is damaged, or says that it is another user's: the names of folders differ, so
        somebody has edited it.
        """
        path = self._folder / f"{home}{SUFFIX}"
        known = self._known(path, home)
        if known and known.name != name:
            raise ValueError(f"the home {home} belongs to {known.name} by {path if path.exists() else self._old.path}")
        owner = Owner(name=name, email=email or (known.email if known else ""), first_seen=known.first_seen if known else now)
        if owner != known:
            self._write(path, owner)

    def _known(self, path: Path, home: str) -> Owner | None:
        try:
            return _owner(path)
        except FileNotFoundError:
            return self._old.read().get(home)

    def _write(self, path: Path, owner: Owner) -> None:
        # Not the folders above it: where they are missing, this is not the storage.
        self._folder.mkdir(exist_ok=True)
        replace(path, json.dumps(asdict(owner), indent=1, ensure_ascii=False) + "\n")


class OldFile:
    """All owners in one file. It is kept in memory, since with thousands of homes each reading takes a while, and read again
    only when somebody has changed it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_reader = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._owners: dict[str, Owner] = {}

    def read(self) -> dict[str, Owner]:
        """Its owners, none where there is no such file. Raises ValueError, with the file's name, where it is damaged."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        with self._one_reader:
            seen = (found.st_ino, found.st_size, found.st_mtime_ns)
            if seen != self._seen:
                try:
                    self._owners = owners_in(self.path.read_text(encoding="utf-8"))
                except ValueError as error:
                    raise _damaged(self.path, error) from None
                self._seen = seen
            return self._owners


def owner_in(text: str) -> Owner:
    """Whom the file of a home names. Raises ValueError where it is damaged."""
    return _made(json.loads(text))


def owners_in(text: str) -> dict[str, Owner]:
    """Whom the one file of all homes names. Raises ValueError where it is damaged."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("it holds no homes")
    return {home: _made(value) for home, value in values.items()}


def _made(value: Any) -> Owner:
    try:
        owner = Owner(**value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not all(isinstance(text, str) for text in asdict(owner).values()):
        raise ValueError("its values are no texts")
    return owner


def _owner(path: Path) -> Owner:
    try:
        return owner_in(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} is damaged ({error}); restore it from a backup, or move it away")


def email_of(name: str, auth_state: Any) -> str:
    """The address that a sign-in service told (at the top of its state, or one level down), else the name if that is one."""
    states = [auth_state, *(auth_state.values() if isinstance(auth_state, dict) else ())]
    told = [state["email"] for state in states if isinstance(state, dict) and isinstance(state.get("email"), str)]
    return next(filter(None, told), name if "@" in name.strip("@") else "")
