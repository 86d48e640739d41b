"""The site's certificate, as the settings ask for it: where it comes from, and whether a given one can be used at all."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from images.proxy.door import external_account
from images.proxy.door.certificate import Pair

# https://letsencrypt.org/docs/acme-protocol-updates/ and https://letsencrypt.org/docs/staging-environment/
ACME_SERVERS = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
CERTIFICATE, KEY = "certificate", "certificateKey"  # the secrets of `https: provided`
EAB_KEY_ID, EAB_HMAC_KEY = "acmeEabKeyId", "acmeEabHmacKey"  # those of `https: letsencrypt`, for CAs with customers


class Https(enum.StrEnum):
    """Where the certificate comes from."""

    LETSENCRYPT = "letsencrypt"
    SELFSIGNED = "selfsigned"
    PROVIDED = "provided"
    NONE = "none"


def acme_server(text: str) -> str:
    """The URL of an ACME directory, by a short name or spelled out."""
    url = ACME_SERVERS.get(text, text)
    if not re.fullmatch(r"https://[^\s/]+(/\S*)?", url):
        raise ValueError(f"must be {', '.join(ACME_SERVERS)} or the https URL of an ACME directory")
    return url


def acme_profile(text: str) -> str:
    """The name of a certificate profile, or the empty text."""
    if not re.fullmatch(r"[A-Za-z0-9._-]*", text):
        raise ValueError("must be the name of a profile of the CA, such as shortlived, or empty")
    return text


def contradictions(https: Https, domain: str, allow_plain_http: bool) -> Iterator[str]:
    """What is wrong with the settings together."""
    if https is Https.LETSENCRYPT and not domain:
        yield (
            "domain: empty, but with https letsencrypt the CA must find the site by a name; set it to the site's host name, "
            "or https to selfsigned"
        )
    if https is Https.PROVIDED and not domain:
        yield "domain: empty, but with https provided the certificate is for a name; set it to the site's host name"
    if https is Https.NONE and not allow_plain_http:
        yield (
            "https: none sends passwords over the network as plain text; choose letsencrypt or selfsigned, or, only behind "
            "another proxy that does TLS, set allowPlainHttp to true"
        )


def external_account_faults(key_id: str | None, hmac_key: str | None) -> Iterator[str]:
    """Why the account at a CA could not be used. Shows no secret."""
    given = {EAB_KEY_ID: key_id, EAB_HMAC_KEY: hmac_key}
    for name, text in given.items():
        if not text and any(value is not None for value in given.values()):
            yield f"{name}: not set, but the other of the two is; run: pulumi config set --secret {name}"
    for name, text, rule in ((EAB_KEY_ID, key_id, external_account.key_id), (EAB_HMAC_KEY, hmac_key, external_account.base64url)):
        try:
            rule(text) if text else None
        except ValueError as error:
            yield f"{name}: {error}: pulumi config set --secret {name}"


def provided_faults(certificate: str | None, key: str | None, domain: str, now: datetime | None = None) -> Iterator[str]:
    """Why the site could not be served with the certificate and the key (PEM texts) of `https: provided`. Shows no secret."""
    for name, text, remedy in ((CERTIFICATE, certificate, "fullchain.pem"), (KEY, key, "privkey.pem")):
        if not text:
            yield f"{name}: not set, but https is provided; run: pulumi config set --secret {name} < {remedy}"
    if not certificate or not key:
        return
    pair, now = Pair(chain=certificate, key=key), now or datetime.now(UTC)
    try:
        leaf = pair.leaf
    except ValueError:
        yield f"{CERTIFICATE}: cannot be read; it must be a PEM text, the site's certificate first, then those of its issuers"
        return
    try:
        if not pair.fits():
            yield f"{KEY}: is not the key of the certificate; give the two that were issued together"
    except ValueError:
        yield f"{KEY}: cannot be read; it must be a private key as PEM text, without a passphrase"
    if now >= leaf.not_valid_after_utc:
        yield f"{CERTIFICATE}: ended at {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; get a new one from its issuer"
    if now < leaf.not_valid_before_utc:
        yield f"{CERTIFICATE}: begins only at {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; wait, or use the one before it"
    if domain and not pair.covers(domain):
        yield f"{CERTIFICATE}: is not for {domain}; change domain, or get one whose alternative names have it"
