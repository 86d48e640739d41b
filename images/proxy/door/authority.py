"""A CA of the site's own, its key made once and kept on the state volume. Who trusts it trusts it for this site's name alone."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import files
from .certificate import Pair, as_address, general_name, key_pem, new_key, pem, renewal_time
from .settings import STATE
from .trouble import Trouble

CA_LIFETIME, LEAF_LIFETIME = timedelta(days=3650), timedelta(days=90)
AGAIN_S = 60.0  # between two looks at a damaged key
SKEW = timedelta(hours=1)  # clients' clocks are not this machine's


class Authority:
    """Issues for one name: a host name or an IP address."""

    name = "selfsigned"

    def __init__(self, site: str, state: Path = STATE) -> None:
        self._site = site
        # By the name: nobody is given an earlier one's certificate while this one's is being made.
        folder = state / self.name / site
        self._ca_file, self._key_file = folder / "ca.pem", folder / "ca-key.pem"

    def issue(self) -> Pair:
        """A certificate of 90 days. Raises OSError, and Trouble where the CA's key is damaged."""
        ca, ca_key = self._read() or self._make(new_key())
        if not ca.not_valid_before_utc <= datetime.now(UTC) < ca.not_valid_after_utc - LEAF_LIFETIME:
            # Its end is near, or the clock is wrong, or was when it was made. Who trusts the key goes on doing so.
            ca, ca_key = self._make(ca_key)
        key = new_key()
        leaf = (
            _builder(_named(self._site), ca.subject, key, LEAF_LIFETIME)
            .add_extension(x509.SubjectAlternativeName([general_name(self._site)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        return Pair(chain=pem(leaf), key=key_pem(key))

    def renewal(self, leaf: x509.Certificate) -> datetime:
        """By its dates alone: this CA revokes nothing."""
        return renewal_time(leaf)

    def _read(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        """The CA that is there, or None where there is none yet. Raises Trouble where its key is damaged: another key would be
        another CA, which nobody trusts. A damaged certificate is made anew with the key that is trusted."""
        if not self._key_file.exists() and not self._ca_file.exists():
            return None
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        except (FileNotFoundError, ValueError, TypeError) as error:
            raise Trouble(self._lost(f"cannot be read ({error or type(error).__name__})"), AGAIN_S) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Trouble(self._lost("is not one that the door makes"), AGAIN_S)
        try:
            ca = x509.load_pem_x509_certificate(self._ca_file.read_bytes())
            allowed = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
        except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
            return self._make(key)
        if key.public_key() != ca.public_key():
            raise Trouble(self._lost(f"is not the key of {self._ca_file.name}"), AGAIN_S)
        return (ca, key) if allowed == [_constraint(self._site)] else self._make(key)

    def _lost(self, what: str) -> str:
        folder = f"the state volume's door/{self.name}/{self._site}"
        return (
            f"the key of the site's own CA {what}: bring back {self._key_file.name} in {folder} from a copy, or remove that "
            "folder; then a new CA is made there (ca.pem), which all who trusted the old one must import"
        )

    def _make(self, key: ec.EllipticCurvePrivateKey) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        subject = _named(f"JupyterHub {self._site}")
        ca = (
            _builder(subject, subject, key, CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(x509.NameConstraints([_constraint(self._site)], None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        files.write(self._key_file, key_pem(key), 0o600)
        files.write(self._ca_file, pem(ca))
        return ca, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - SKEW,
        not_valid_after=now + lifetime,
    )


def _named(name: str) -> x509.Name:
    """A subject of that name, cut to what X.520 allows."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _constraint(site: str) -> x509.GeneralName:
    """The only name that the CA may vouch for (RFC 5280, 4.2.1.10)."""
    address = as_address(site)
    return x509.DNSName(site) if address is None else x509.IPAddress(ipaddress.ip_network(address))


def _key_usage(ca: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **dict.fromkeys(others, False))
