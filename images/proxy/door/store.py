"""The certificates on the state volume, a folder for each, and `live`, the link that NGINX reads the one in use by."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from . import files
from .certificate import Pair
from .settings import STATE

CHAIN, KEY = "fullchain.pem", "privkey.pem"
KEPT = 2  # the one in use and the one before it


class Store:
    """Those of one issuer for one name: after a change of either, the others no longer count."""

    def __init__(self, issuer: str, name: str, root: Path = STATE) -> None:
        self._issuer, self._name, self._root = issuer, name, root

    def newest(self) -> Pair | None:
        """The certificate that was issued last, and points `live` to it. None if there is none that can be used."""
        for folder in self._folders():
            try:
                pair = Pair(chain=(folder / CHAIN).read_text(), key=(folder / KEY).read_text())
                usable = pair.fits() and pair.covers(self._name)
            except (OSError, ValueError):
                continue  # cut off by a full disk, say: the one before it is better than none
            if usable:
                self._use(folder)
                return pair
        return None

    def save(self, pair: Pair) -> None:
        """Keep a certificate and point `live` to it. Raises OSError, and then the one before it stays in use."""
        unfinished = self._root / "certificates" / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        files.write(unfinished / CHAIN, pair.chain)
        files.write(unfinished / KEY, pair.key, 0o600)
        folder = unfinished.with_name(f"{self._issuer}.{time.time_ns()}")
        unfinished.rename(folder)
        self._use(folder)
        for old in self._folders()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def _folders(self) -> list[Path]:
        """Newest first: of the same length for the next two centuries, the times sort as texts."""
        return sorted((self._root / "certificates").glob(f"{self._issuer}.*"), reverse=True)

    def _use(self, folder: Path) -> None:
        live = self._root / "live"
        if not live.is_symlink() or live.readlink() != folder:
            files.point(live, folder)
