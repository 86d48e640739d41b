"""Where the homes are, what sizes were asked for, and who may change them at a time."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.limits import limits_of

OWNER, GROUP = 1000, 100  # the notebook user, whom the export maps everybody to


class Places:
    """Where things are; `root` is the mounted volume."""

    def __init__(self, root: Path = Path("/srv/homes"), etc: Path = Path("/etc"), run: Path = Path("/run")) -> None:
        self.root, self.etc = root, etc
        self.users, self.new, self.status = root / "users", root / "new", root / "status.json"
        self.settings = etc / "jupyterhub-storage" / "quotas.json"
        self.lock, self.counting = run / "jupyterhub-quotas.lock", run / "jupyterhub-counting.lock"


class Settings:
    """The sizes that were asked for, in bytes: for every home, and for those that differ."""

    def __init__(self, path: Path) -> None:
        values = json.loads(path.read_text(encoding="utf-8"))
        self.default: int = values["default"]
        self._homes: dict[str, int] = values["homes"]

    def limits(self, home: str) -> tuple[int, int]:
        """KiB and files."""
        return limits_of(self._homes.get(home, self.default))


@contextmanager
def locked(path: Path, wait: bool = True, shared: bool = False) -> Iterator[bool]:
    """Hold a lock of this node, alone or with all who share it. Without `wait`, False where another is in the way."""
    with path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
