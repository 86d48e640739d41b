"""The loop that keeps the certificate valid: whatever goes wrong, the door goes on with what it has and tries again."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Protocol

from .acme import Acme
from .authority import Authority
from .certificate import Pair, renewal_time
from .nginx import Nginx
from .settings import Settings
from .status import Status
from .store import Store
from .trouble import Trouble

LONGEST_S = 3600.0  # clocks are set and machines are shelved: nothing is slept through for longer
BROKEN_S = 60.0


class Issuer(Protocol):
    """Where certificates come from. `name` tells it from others in the names of folders."""

    name: str

    def issue(self) -> Pair:
        """The next certificate. Raises Trouble."""


def issuer_of(settings: Settings) -> Issuer:
    """The issuer that the settings ask for: the CA that they name, or one of the door's own."""
    return Acme(settings) if settings.https == "letsencrypt" else Authority(settings.name)


class Keeper:
    """`resume` once, before NGINX starts, then `run` for ever; `step` is one round of it."""

    def __init__(self, issuer: Issuer, store: Store, nginx: Nginx, status: Status) -> None:
        self._issuer, self._store, self._nginx, self._status = issuer, store, nginx, status
        self._served = ""
        self._unsaved: Pair | None = None

    def resume(self) -> bool:
        """Whether there is a certificate of an earlier run to begin with, even one that has ended."""
        with contextlib.suppress(OSError):  # the first step tells
            pair = self._store.newest()
            self._served = pair.chain if pair else ""
        return bool(self._served)

    def run(self) -> None:
        """Look after the certificate, for ever."""
        while True:
            time.sleep(min(self.step(), LONGEST_S))

    def step(self) -> float:
        """Renew the certificate if it is time to; returns the seconds until the next look."""
        pair = None
        try:
            pair = self._store.newest()
            if pair is None or datetime.now(UTC) >= renewal_time(pair.leaf):
                # What cannot be saved, on a full disk, is not issued again and again: CAs limit that, too.
                new = self._unsaved = self._unsaved or self._issuer.issue()
                self._store.save(new)
                pair, self._unsaved = new, None
            self._serve(pair)
            self._status.good(pair)
            return max(0.0, (renewal_time(pair.leaf) - datetime.now(UTC)).total_seconds())
        except Trouble as trouble:
            self._status.bad(trouble.text, pair)
            return trouble.again_s
        except OSError as error:
            self._status.bad(f"the state folder does not work: {error}", pair)
        except Exception as error:  # the door must not stand still because of what nobody thought of
            self._status.bad(f"{type(error).__name__}: {error}", pair)
        return BROKEN_S

    def _serve(self, pair: Pair) -> None:
        if pair.chain != self._served:
            self._nginx.use("nginx.conf")
            self._served = pair.chain
