"""The certificate that a stack is given: what clients or NGINX would not take is refused, with the reason and the remedy."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from components import provided_certificate
from images.proxy.door.certificate import Pair, key_pem, pem
from tests.unit.door_pairs import NAME, NOW, Issuer, made, pair_of, root

PAIR = made(begins=NOW)
ROOT = root()
BETWEEN = ROOT.issue("between")


def faults(pair: Pair, domain: str = NAME, days: float = 1, trusted: tuple[Issuer, ...] = ()) -> list[str]:
    """What is wrong with a certificate, so many days after it began, on a computer that trusts these CAs."""
    roots: list[x509.Certificate] = [one.certificate for one in trusted]
    return list(provided_certificate.faults(pair.chain, pair.key, domain, NOW + timedelta(days=days), lambda: roots))


def test_a_certificate_that_can_be_used_has_no_faults() -> None:
    assert faults(PAIR) == []
    assert faults(made("*.example.org", begins=NOW)) == []


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (faults(PAIR, "lab.example.org"), "certificate: is not for lab.example.org; change domain, or get one"),
        (faults(PAIR, days=90), "certificate: ended at 2026-05-30 00:00 UTC; get a new one from its issuer"),
        (faults(PAIR, days=-1), "certificate: begins only at 2026-03-01 00:00 UTC; wait, or use the one before it"),
        (faults(Pair(chain=PAIR.chain, key=made().key)), "certificateKey: is not the key of the certificate; give the two"),
        (faults(Pair(chain=PAIR.chain, key="no key")), "certificateKey: cannot be read; it must be a private key as PEM text"),
        (faults(Pair(chain="none", key=PAIR.key)), "certificate: cannot be read; it must be a PEM text"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused_with_the_reason_and_the_remedy(found: list[str], line: str) -> None:
    assert len(found) == 1
    assert found[0].startswith(line)


def test_a_chain_that_ends_at_a_root_is_taken_and_so_is_one_whose_root_is_known() -> None:
    leaf = BETWEEN.issue(NAME)
    assert faults(pair_of(leaf, BETWEEN, ROOT)) == []
    assert faults(pair_of(leaf, ROOT, BETWEEN)) == []  # clients put them in order
    assert faults(pair_of(leaf, BETWEEN), trusted=(root("other"), ROOT)) == []


def test_a_chain_with_a_missing_link_is_refused_as_many_clients_would(capsys: pytest.CaptureFixture[str]) -> None:
    leaf = BETWEEN.issue(NAME)
    (told,) = faults(pair_of(leaf), trusted=(ROOT,))
    assert told.startswith(f"certificate: the certificate of CN=between, which issued CN={NAME}, is missing")
    (told,) = faults(pair_of(leaf, BETWEEN))
    assert told.startswith("certificate: the certificate of CN=root, which issued CN=between, is missing")
    (told,) = faults(pair_of(leaf, ROOT.issue("between")), trusted=(ROOT,))  # another of the same name
    assert told.startswith("certificate: the certificate of CN=between")
    assert capsys.readouterr() == ("", "")


def test_an_issuer_that_has_ended_is_refused() -> None:
    ended = ROOT.issue("between", days=10)
    (told,) = faults(pair_of(ended.issue(NAME), ended), days=20, trusted=(ROOT,))
    assert told.startswith("certificate: that of its issuer CN=between is valid until 2026-03-11 00:00 UTC; take")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA of 1024 bits"),
        (ec.generate_private_key(ec.SECP521R1()), "of the curve secp521r1"),
        (ec.generate_private_key(ec.SECP192R1()), "of the curve secp192r1"),
        (ed25519.Ed25519PrivateKey.generate(), "a Ed25519"),
    ],
)
def test_a_key_that_nginx_or_browsers_refuse_is_refused(key: Any, said: str) -> None:
    (told,) = faults(pair_of(ROOT.issue(NAME, key=key)), trusted=(ROOT,))
    assert told.startswith(f"certificate: the key of CN={NAME} is {said}, which NGINX or browsers refuse; get")


def test_an_issuer_with_a_weak_key_is_refused() -> None:
    weak = ROOT.issue("between", key=rsa.generate_private_key(65537, 1024))
    (told,) = faults(pair_of(weak.issue(NAME), weak), trusted=(ROOT,))
    assert told.startswith("certificate: the key of CN=between is RSA of 1024 bits")


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())])
def test_keys_that_all_take_are_taken(key: Any) -> None:
    assert faults(pair_of(ROOT.issue(NAME, key=key)), trusted=(ROOT,)) == []


def test_a_signature_that_can_be_forged_is_refused(tmp_path: Path) -> None:
    leaf = ROOT.issue(NAME)
    for name, text in (("ca.pem", pem(ROOT.certificate)), ("ca-key.pem", key_pem(ROOT.key)), ("key.pem", key_pem(leaf.key))):
        (tmp_path / name).write_text(text)
    (tmp_path / "names").write_text(f"subjectAltName=DNS:{NAME}")
    asks = subprocess.run(  # cryptography makes no such signature any more
        ["openssl", "req", "-new", "-key", "key.pem", "-subj", f"/CN={NAME}"], cwd=tmp_path, capture_output=True, check=True
    )
    signs = ["openssl", "x509", "-req", "-sha1", "-days", "30000", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-extfile", "names"]
    signed = subprocess.run(signs, cwd=tmp_path, input=asks.stdout, capture_output=True, check=True).stdout.decode()
    told = provided_certificate.faults(signed, key_pem(leaf.key), NAME, roots=lambda: [ROOT.certificate])
    assert next(told) == f"certificate: CN={NAME} is signed with sha1, which NGINX and browsers refuse; get a new one"


def test_a_certificate_for_people_or_mail_is_refused() -> None:
    (told,) = faults(pair_of(ROOT.issue(NAME, usage=ExtendedKeyUsageOID.CLIENT_AUTH)), trusted=(ROOT,))
    assert told.startswith("certificate: is not for web servers")
    assert faults(pair_of(ROOT.issue(NAME, usage=ExtendedKeyUsageOID.SERVER_AUTH)), trusted=(ROOT,)) == []


def test_this_computer_trusts_some_cas() -> None:
    assert len(provided_certificate.trusted_here()) > 20
