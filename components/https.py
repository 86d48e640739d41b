"""The site's certificate, as the settings ask for it: where it comes from. A given one: provided_certificate.py."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

from images.proxy.door import external_account

# https://letsencrypt.org/docs/acme-protocol-updates/ and https://letsencrypt.org/docs/staging-environment/
ACME_SERVERS = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
EAB_KEY_ID, EAB_HMAC_KEY = "acmeEabKeyId", "acmeEabHmacKey"  # secrets of `https: letsencrypt`, for CAs with customers


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
