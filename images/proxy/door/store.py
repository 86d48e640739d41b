"""The certificates on the state volume, a folder for each, and `live`, the link that NGINX reads the one in use by."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

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
        """The certificate whose dates are the latest, and points `live` to it. None if there is none that can be used."""
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
        # Always above the others, whatever the clock says: of those with the same dates, the one that came last counts.
        number = max([time.time_ns(), *(1 + _number(other) for other in self._folders())])
        folder = unfinished.with_name(f"{self._issuer}.{number}")
        unfinished.rename(folder)
        self._use(folder)
        ordered = self._folders()
        place = ordered.index(folder)
        # Nor may one with later dates come back, which this one replaces: a clock was ahead when that was made.
        for old in ordered[:place] + ordered[place + KEPT :]:
            shutil.rmtree(old, ignore_errors=True)

    def _folders(self) -> list[Path]:
        """Newest first, by the dates of the certificates in them. A copy that a person has put beside them is none of them."""
        ours = re.compile(rf"{re.escape(self._issuer)}\.[0-9]+")
        found = (self._root / "certificates").glob(f"{self._issuer}.*")
        return sorted((folder for folder in found if ours.fullmatch(folder.name)), key=_age, reverse=True)

    def _use(self, folder: Path) -> None:
        live = self._root / "live"
        if not live.is_symlink() or live.readlink() != folder:
            files.point(live, folder)


def _number(folder: Path) -> int:
    """The last part of its name, which was the time in nanoseconds when it was made, by the clock of then."""
    return int(folder.suffix[1:])


def _age(folder: Path) -> tuple[datetime, datetime, int]:
    """What sorts certificates by their own dates, and what cannot be read before them all."""
    try:
        leaf = x509.load_pem_x509_certificate((folder / CHAIN).read_bytes())
    except (OSError, ValueError):
        return datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), _number(folder)
    return leaf.not_valid_before_utc, leaf.not_valid_after_utc, _number(folder)
