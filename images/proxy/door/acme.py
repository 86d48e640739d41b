"""Certificates from a CA that speaks ACME, Let's Encrypt for one: asked when it can succeed, and not more often than it likes."""

from __future__ import annotations

import http.client
import time
import urllib.error
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509

from . import certbot
from .certificate import Pair
from .pace import OUTAGE_FIRST_S, OUTAGE_LONGEST_S, Pace, growing
from .reach import Obstacle, obstacle
from .renewal_info import RenewalInfo, opened, read
from .settings import STATE, Settings
from .trouble import Trouble

ACCOUNT_MISSING = (
    "the CA gives certificates to its customers alone; let it show you the key id and the HMAC key for ACME (EAB) and run: "
    "pulumi config set --secret acmeEabKeyId, pulumi config set --secret acmeEabHmacKey, pulumi up"
)
LOOK_S = 10.0  # between two looks at what can be seen without the CA


class Acme:
    """One CA, by the URL of its ACME directory. Its name tells a staging CA's certificates from the real one's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.name = f"acme-{_digits(settings.acme_server)}"
        # By the name too: a limit of another one's is none of this one's.
        self._pace = Pace(STATE / f"asked-{self.name}-{_digits(settings.name)}.json")
        self._renewal_info = RenewalInfo(settings)
        self._outages = 0
        self._refusal = ""
        self._obstacle: Obstacle | None = None
        self._since = time.time()

    def issue(self) -> Pair:
        """A certificate, or Trouble that says what is waited for. Raises OSError where the state folder does not work."""
        self._look()
        now = time.time()
        wait_s = self._pace.wait_s
        if self._obstacle:
            wait_s = max(wait_s, self._since + self._obstacle.patience_s - now)
        if wait_s > 0:
            raise Trouble(self._text(), min(LOOK_S, wait_s))
        self._directory()
        self._pace.count()
        try:
            pair = certbot.issue(self._settings)
        except certbot.RefusedError as refused:
            self._refusal = str(refused)
            self._pace.refused(refused.until)
            raise Trouble(self._text(), LOOK_S) from None
        self._refusal = ""
        lifetime = pair.leaf.not_valid_after_utc - pair.leaf.not_valid_before_utc
        self._pace.issued(lifetime.total_seconds())
        return pair

    def renewal(self, leaf: x509.Certificate) -> datetime:
        """When the CA wants it renewed, if that is before its dates ask for it; never within the pause after the last one."""
        wanted = self._renewal_info.renewal(leaf)
        if self._pace.has_just_issued:
            return max(wanted, datetime.now(UTC) + timedelta(seconds=self._pace.wait_s))
        return wanted

    def _look(self) -> None:
        """See what is in the way; once it is gone, earlier refusals count no more."""
        found = obstacle(self._settings.name, self._settings.address)
        if (found is None) != (self._obstacle is None):
            self._since = time.time()
            if found is None:
                self._pace.encouraged()
        self._obstacle = found

    def _text(self) -> str:
        """The obstacle, else what the CA said and when it is asked again."""
        if self._obstacle and not self._refusal:
            return self._obstacle.text
        at = datetime.now(UTC) + timedelta(seconds=max(0.0, self._pace.wait_s))
        seen = f"; {self._obstacle.text}" if self._obstacle else ""
        if self._refusal:
            said = f"the CA says: {self._refusal}"
        elif self._pace.has_just_issued:
            said = "the last certificate came within the hour"
        else:
            said = "the CA was asked as often as it allows within an hour"
        return f"{said}{seen}; it is asked again at {at:%Y-%m-%d %H:%M:%S} UTC"

    def _directory(self) -> None:
        """Whether the CA answers at all, which costs it nothing, and knows who asks. Raises Trouble."""
        try:
            with opened(self._settings, self._settings.acme_server) as answer:
                meta = read(answer).get("meta", {})
                bound = bool(meta.get("externalAccountRequired", False))
        except (ValueError, AttributeError):
            bound = False  # no directory: certbot tells
        except (OSError, http.client.HTTPException) as error:
            self._outages += 1
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            again_s = growing(OUTAGE_FIRST_S, OUTAGE_LONGEST_S, self._outages)
            raise Trouble(f"the CA at {self._settings.acme_server} does not answer: {reason}", again_s) from None
        self._outages = 0
        if bound and not self._settings.acme_eab:
            raise Trouble(ACCOUNT_MISSING, OUTAGE_LONGEST_S)


def _digits(text: str) -> str:
    """What tells a text from others in the name of a file."""
    return sha256(text.encode()).hexdigest()[:8]
