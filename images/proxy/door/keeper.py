"""The loop that keeps the certificate valid: whatever goes wrong, the door goes on with what it has and tries again."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cryptography import x509

from .acme import Acme
from .authority import Authority
from .certificate import Pair, renewal_time
from .nginx import Nginx
from .settings import Settings
from .status import Status
from .store import Store
from .trouble import Trouble

LONGEST_S = 600.0  # clocks are set and machines are shelved: nothing is slept through for longer
SHORTEST_S = 1.0  # whatever says that it is time already: the loop never turns without a pause
BROKEN_S = 60.0
# A certificate that came out of time is not asked for again within this, or half its lifetime where that is less: Let's Encrypt
# gives five a week.
UNTIMELY = timedelta(days=2)


def timely(leaf: x509.Certificate) -> bool:
    """Whether it is valid by this machine's clock, and not to be renewed by its dates."""
    return leaf.not_valid_before_utc <= datetime.now(UTC) < renewal_time(leaf)


class Issuer(Protocol):
    """Where certificates come from. `name` tells it from others in the names of folders."""

    name: str

    def issue(self) -> Pair:
        """The next certificate. Raises Trouble."""

    def renewal(self, leaf: x509.Certificate) -> datetime:
        """When this one of its certificates is to be renewed."""


def issuer_of(settings: Settings) -> Issuer:
    """The issuer that the settings ask for: the CA that they name, or one of the door's own."""
    return Acme(settings) if settings.https == "letsencrypt" else Authority(settings.name)


class Keeper:
    """`resume` once, before NGINX starts, then `run` for ever; `step` is one round of it."""

    def __init__(self, issuer: Issuer, store: Store, nginx: Nginx, status: Status) -> None:
        self._issuer, self._store, self._nginx, self._status = issuer, store, nginx, status
        self._served = ""
        self._unsaved: Pair | None = None
        self._untimely, self._untimely_until = "", 0.0

    def resume(self) -> bool:
        """Whether there is a certificate of an earlier run to begin with, even one that has ended."""
        with contextlib.suppress(OSError):  # the first step tells
            pair = self._store.newest()
            self._served = pair.chain if pair else ""
        return bool(self._served)

    def refused(self, said: str) -> None:
        """NGINX did not take that certificate when it started, for this reason: it is offered again."""
        self._served = ""
        self._status.bad(f"NGINX does not take the certificate: {said}", None)

    def run(self) -> None:
        """Look after the certificate, for ever."""
        while True:
            time.sleep(max(SHORTEST_S, min(self.step(), LONGEST_S)))

    def step(self) -> float:
        """Renew the certificate if it is time to; returns the seconds until the next look."""
        pair = None
        try:
            pair = self._store.newest()
            if pair is None or self._unsaved or self._is_due(pair):
                # What cannot be saved, on a full disk, is not issued again and again: CAs limit that, too.
                new = self._unsaved = self._unsaved or self._issuer.issue()
                self._store.save(new)
                pair, self._unsaved = new, None
                if not timely(new.leaf):
                    again = min(UNTIMELY, (new.leaf.not_valid_after_utc - new.leaf.not_valid_before_utc) / 2)
                    self._untimely, self._untimely_until = new.chain, time.monotonic() + again.total_seconds()
            self._serve(pair)
            self._look_at_the_clock(pair)
            renewal = self._issuer.renewal(pair.leaf)
            self._status.good(pair, renewal)
            return max(0.0, (renewal - datetime.now(UTC)).total_seconds())
        except Trouble as trouble:
            self._status.bad(trouble.text, pair)
            return trouble.again_s
        except OSError as error:
            self._status.bad(f"the state folder does not work: {error}", pair)
        except Exception as error:  # the door must not stand still because of what nobody thought of
            self._status.bad(f"{type(error).__name__}: {error}", pair)
        return BROKEN_S

    def _is_due(self, pair: Pair) -> bool:
        """Whether it is time for the next one. One that was out of time when it came is not replaced by one like it."""
        if timely(pair.leaf):
            return datetime.now(UTC) >= self._issuer.renewal(pair.leaf)
        return pair.chain != self._untimely or time.monotonic() >= self._untimely_until

    def _look_at_the_clock(self, pair: Pair) -> None:
        """Raises Trouble where a new certificate tells that this machine's clock is wrong."""
        if pair.chain == self._untimely and not timely(pair.leaf):
            begins, ends = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (pair.leaf.not_valid_before_utc, pair.leaf.not_valid_after_utc))
            said = f"a certificate came that is valid from {begins} to {ends}"
            raise Trouble(f"{said}, and the clock here says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; set the clock", BROKEN_S)

    def _serve(self, pair: Pair) -> None:
        if pair.chain != self._served:
            self._nginx.use("nginx.conf")
            self._served = pair.chain
