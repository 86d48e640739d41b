"""Certificates for the tests of the front door, of any dates, and a file system that is full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from images.proxy.door.certificate import Pair, general_name, key_pem, new_key, pem

NAME = "hub.example.org"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """A CA of the tests, or a site."""

    certificate: x509.Certificate
    key: Any

    def issue(self, name: str, *, key: Any = None, days: float = 90, usage: x509.ObjectIdentifier | None = None) -> Issuer:
        """A certificate that began at NOW, for a host name, with a key of its own, which may issue in its turn."""
        return _issued(name, key or new_key(), self.certificate.subject, self.key, days, usage)


def root(name: str = "root") -> Issuer:
    """A CA that nobody has issued."""
    key = new_key()
    return _issued(name, key, _subject(name), key, 365, None)


def pair_of(leaf: Issuer, *others: Issuer) -> Pair:
    """A certificate and its key, with those above it."""
    return Pair(chain="".join(pem(one.certificate) for one in (leaf, *others)), key=key_pem(leaf.key))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _issued(
    name: str,
    key: Any,
    by: x509.Name,
    signs: Any,
    days: float,
    usage: x509.ObjectIdentifier | None,
) -> Issuer:
    builder = x509.CertificateBuilder(
        subject_name=_subject(name),
        issuer_name=by,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW,
        not_valid_after=NOW + timedelta(days=days),
    ).add_extension(x509.SubjectAlternativeName([general_name(name)]), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Issuer(certificate=builder.sign(signs, hashes.SHA256()), key=key)


def made(*names: str, begins: datetime | None = None, days: float = 90) -> Pair:
    """A certificate for these names (NAME if none is given), that began just now if nothing else is said."""
    begins = begins or datetime.now(UTC) - timedelta(minutes=1)
    key, subject = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begins,
        not_valid_after=begins + timedelta(days=days),
    ).add_extension(x509.SubjectAlternativeName([general_name(name) for name in names or (NAME,)]), critical=False)
    return Pair(chain=pem(builder.sign(key, hashes.SHA256())), key=key_pem(key))
