"""Certificates and keys as PEM texts: what is in them, whether they fit, when it is time for the next one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`chain` is the certificate, then those between it and its root; `key` its private key. PEM texts."""

    chain: str
    key: str

    @property
    def leaf(self) -> x509.Certificate:
        """The site's own certificate, the first of the chain. Raises ValueError where it cannot be read."""
        return x509.load_pem_x509_certificate(self.chain.encode())

    def fits(self) -> bool:
        """Whether the key is the certificate's. Raises ValueError where either cannot be read."""
        try:
            key = serialization.load_pem_private_key(self.key.encode(), password=None)
        except TypeError:
            raise ValueError("the key is protected by a passphrase") from None
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return key.public_key().public_bytes(*form) == self.leaf.public_key().public_bytes(*form)

    def covers(self, name: str) -> bool:
        """Whether the certificate is for this host name (RFC 6125: a wildcard is one label) or IP address."""
        try:
            found = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return False
        if (address := as_address(name)) is not None:
            return address in found.get_values_for_type(x509.IPAddress)
        names = {entry.lower() for entry in found.get_values_for_type(x509.DNSName)}
        return name in names or f"*.{name.partition('.')[2]}" in names


def renewal_time(leaf: x509.Certificate) -> datetime:
    """When two thirds of the lifetime are over: a month before a certificate of 90 days ends, two days for one of six."""
    return leaf.not_valid_before_utc + (leaf.not_valid_after_utc - leaf.not_valid_before_utc) * 2 / 3


def as_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name spells, if it spells one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def general_name(name: str) -> x509.GeneralName:
    """A host name or an IP address as certificates name it."""
    address = as_address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that every browser of this decade takes."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A key as PEM, without a passphrase: NGINX must start by itself."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
