"""The certificate of `https: provided`: whether clients and NGINX would take it, asked before the first resource."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from images.proxy.door.certificate import Pair

CERTIFICATE, KEY = "certificate", "certificateKey"  # the secrets
RSA_BITS = 2048  # NGINX's OpenSSL and browsers take none below
CURVES = ("secp256r1", "secp384r1")  # what all browsers take
BROKEN_HASHES = (hashes.MD5, hashes.SHA1)


def trusted_here() -> list[x509.Certificate]:
    """The CAs that this computer trusts."""
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not found:  # a folder of them is read by OpenSSL as each is needed
        folder = Path(ssl.get_default_verify_paths().capath or "/etc/ssl/certs")
        found = [ssl.PEM_cert_to_DER_cert(file.read_text()) for file in sorted(folder.glob("*.pem"))]
    return list(_readable(found))


def _readable(found: Sequence[bytes]) -> Iterator[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old roots have what today's rules would refuse
        for der in found:
            try:
                yield x509.load_der_x509_certificate(der)
            except ValueError:
                continue


def faults(
    certificate: str | None,
    key: str | None,
    domain: str,
    now: datetime | None = None,
    roots: Callable[[], list[x509.Certificate]] = trusted_here,
) -> Iterator[str]:
    """Why the site could not be served with a certificate and a key (PEM texts). Shows no secret."""
    for name, text, remedy in ((CERTIFICATE, certificate, "fullchain.pem"), (KEY, key, "privkey.pem")):
        if not text:
            yield f"{name}: not set, but https is provided; run: pulumi config set --secret {name} < {remedy}"
    if not certificate or not key:
        return
    pair, now = Pair(chain=certificate, key=key), now or datetime.now(UTC)
    try:
        leaf, *others = x509.load_pem_x509_certificates(certificate.encode())
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
    if not _serves(leaf):
        yield f"{CERTIFICATE}: is not for web servers (its extended key usage lacks serverAuth); get one that is"
    yield from _weak(leaf)
    yield from _chain_faults(leaf, others, now, roots)


def _serves(leaf: x509.Certificate) -> bool:
    """Whether it may be used by a web server."""
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.isdisjoint(usages)


def _weak(one: x509.Certificate) -> Iterator[str]:
    """Why NGINX or browsers would not take a certificate's key or signature."""
    key = one.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        found, fits = f"RSA of {key.key_size} bits", key.key_size >= RSA_BITS
    elif isinstance(key, ec.EllipticCurvePublicKey):
        found, fits = f"of the curve {key.curve.name}", key.curve.name in CURVES
    else:
        found, fits = f"a {type(key).__name__.removesuffix('PublicKey')}", False
    if not fits:
        remedy = f"RSA of {RSA_BITS} bits or more, or {' or '.join(CURVES)}"
        yield f"{CERTIFICATE}: the key of {_name(one.subject)} is {found}, which NGINX or browsers refuse; get one with {remedy}"
    if isinstance(one.signature_hash_algorithm, BROKEN_HASHES) and one.issuer != one.subject:
        used = one.signature_hash_algorithm.name
        yield f"{CERTIFICATE}: {_name(one.subject)} is signed with {used}, which NGINX and browsers refuse; get a new one"


def _chain_faults(
    leaf: x509.Certificate, others: list[x509.Certificate], now: datetime, roots: Callable[[], list[x509.Certificate]]
) -> Iterator[str]:
    """Where the way from the site's certificate to a root breaks: one that the text ends with, or one that this computer trusts.
    Browsers may know a missing link from elsewhere; curl, git and phones do not."""
    one, left = leaf, list(others)
    while one.issuer != one.subject:
        issuer = next((other for other in left if _issued(one, other)), None)
        if issuer is None:
            if not any(_issued(one, root) for root in roots()):
                yield (
                    f"{CERTIFICATE}: the certificate of {_name(one.issuer)}, which issued {_name(one.subject)}, is missing, and "
                    "many clients would refuse the site; append it (issuers offer a full chain), and for a private CA its root"
                )
            return
        left.remove(issuer)
        if not issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc:
            ends = f"{issuer.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            yield f"{CERTIFICATE}: that of its issuer {_name(issuer.subject)} is valid until {ends}; take today's full chain"
        yield from _weak(issuer)
        one = issuer


def _issued(one: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether the one is signed by the other."""
    if one.issuer != by.subject:
        return False
    try:
        one.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _name(subject: x509.Name) -> str:
    return subject.rfc4514_string() or "a certificate without a name"
