"""A hand that plays the storage node, for tests of the hub's side."""

from __future__ import annotations

import threading
from pathlib import Path


class StorageNode:
    """Moves new homes in, as storage/quotas.py does; `stopped` it does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stopped = folder, False
        for name in ("users", "new", "hub", "shared"):
            (folder / name).mkdir()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._end.wait(0.002):
            for new in [] if self.stopped else list((self.folder / "new").iterdir()):
                new.rename(self.folder / "users" / new.name)

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def homes(self) -> set[str]:
        return {path.name for path in (self.folder / "users").iterdir()}
