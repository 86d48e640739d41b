"""Certificates for the tests of the front door, of any dates, and a file system that is full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from images.proxy.door.certificate import Pair, general_name, key_pem, new_key, pem

NAME = "hub.example.org"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


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
