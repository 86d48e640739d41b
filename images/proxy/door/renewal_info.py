"""What the CA says of when a certificate should be renewed (ARI, RFC 9773): earlier than by its dates before a revocation."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from typing import Any

from cryptography import x509

from .certificate import renewal_time
from .settings import ACME_CA, Settings

TIMEOUT_S = 10.0
LONGEST = 64 * 1024  # bytes of an answer
SOONEST_S, LATEST_S = 3600.0, 86400.0  # between two questions; within these the CA says when
# What it says of a certificate's first day (or twentieth of its life) counts at the end of that: a CA that wanted each one
# renewed as soon as it has come would be asked without end.
FIRST = timedelta(days=1)


def opened(settings: Settings, url: str) -> HTTPResponse:
    """The CA's answer at a URL. Raises OSError."""
    context = ssl.create_default_context(cafile=str(ACME_CA) if settings.acme_ca else None)
    answer: HTTPResponse = urllib.request.urlopen(url, timeout=TIMEOUT_S, context=context)  # noqa: S310
    return answer


def read(answer: HTTPResponse) -> Any:
    """The JSON of an answer. Raises ValueError where it is none, or does not end; OSError."""
    until, text = time.monotonic() + TIMEOUT_S, b""
    while piece := answer.read1(LONGEST):
        text += piece
        if len(text) > LONGEST or time.monotonic() > until:
            raise ValueError(f"{answer.url} gives more than {LONGEST} bytes, or takes longer than {TIMEOUT_S:.0f} s for them")
    return json.loads(text)


class RenewalInfo:
    """Asks for one certificate at a time, no more often than the CA likes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._leaf: x509.Certificate | None = None
        self._wanted: datetime | None = None
        self._next = 0.0  # of time.monotonic()

    def renewal(self, leaf: x509.Certificate) -> datetime:
        """When to renew it: when the CA wants it, at two thirds of its lifetime at the latest."""
        if leaf != self._leaf:
            self._leaf, self._wanted, self._next = leaf, None, 0.0
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SOONEST_S
            try:
                self._ask(leaf)
            except Exception as error:  # whatever comes instead of an answer, the dates are enough
                print(f"door: the CA does not say when to renew: {type(error).__name__}: {error}", flush=True)
        if self._wanted is None:
            return renewal_time(leaf)
        begins, lifetime = leaf.not_valid_before_utc, leaf.not_valid_after_utc - leaf.not_valid_before_utc
        return min(renewal_time(leaf), max(self._wanted, begins + min(FIRST, lifetime / 20)))

    def _ask(self, leaf: x509.Certificate) -> None:
        """Raises many things where the CA's answer is none."""
        with opened(self._settings, self._settings.acme_server) as answer:
            url = read(answer).get("renewalInfo")
        if url is None:
            return
        with opened(self._settings, f"{url}/{certificate_id(leaf)}") as answer:
            window, told = read(answer)["suggestedWindow"], answer.headers.get("Retry-After", "")
        start, end = (datetime.fromisoformat(window[name]).astimezone(UTC) for name in ("start", "end"))
        # Anywhere within it, but always at the same moment: serial numbers are random.
        self._wanted = start + max(end - start, timedelta()) * (leaf.serial_number % 1000) / 1000
        later_s = float(told) if told.isdecimal() else 0.0  # a date goes by a clock, and this machine's may be wrong
        self._next = time.monotonic() + min(max(later_s, SOONEST_S), LATEST_S)


def certificate_id(leaf: x509.Certificate) -> str:
    """Its name for the CA: the issuing key's identifier and the serial number as DER has it (RFC 9773, 4.1)."""
    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big")
    return ".".join(base64.urlsafe_b64encode(part or b"").decode().rstrip("=") for part in (issuer, serial))
