"""How the door asks certbot, and what it makes of the answer."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from images.proxy.door import certbot
from images.proxy.door.certificate import new_key
from images.proxy.door.external_account import ExternalAccount
from images.proxy.door.settings import Settings
from tests.unit.door_pairs import NAME

SETTINGS = Settings(https="letsencrypt", domain=NAME, address="192.0.2.10", acme_server="https://ca.example.org/directory")


def test_certbot_is_asked_without_questions_and_with_a_request_of_our_own(tmp_path: Path) -> None:
    words = certbot.command(SETTINGS, tmp_path)
    assert words[:5] == ["certbot", "certonly", "--non-interactive", "--agree-tos", "--register-unsafely-without-email"]
    assert words[words.index("--server") + 1] == SETTINGS.acme_server
    assert words[words.index("--csr") + 1] == str(tmp_path / "order" / "request.pem")
    assert "--required-profile" not in words
    full = Settings(
        https="letsencrypt", domain=NAME, address="", acme_server="x", acme_email="a@b.org", acme_profile="shortlived"
    )
    words = certbot.command(full, tmp_path)
    assert words[words.index("--email") + 1] == "a@b.org"
    assert words[words.index("--required-profile") + 1] == "shortlived"


def test_the_account_at_a_ca_is_told_in_a_file_and_each_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = (ExternalAccount(key_id=name, hmac_key="c2VjcmV0") for name in ("kid-1", "kid-2"))
    words = certbot.command(SETTINGS, tmp_path, account)
    assert "c2VjcmV0" not in " ".join(words)
    assert words[words.index("--config") + 1] == str(certbot.ACCOUNT_FILE)
    folders = {one[one.index("--config-dir") + 1] for one in (words, certbot.command(SETTINGS, tmp_path, other))}
    assert len(folders | {str(tmp_path / "config")}) == 3

    (tmp_path / "acme-eab-key-id").write_text(" kid-1\n")
    (tmp_path / "acme-eab-hmac-key").write_text("-_8B+/8BAgMEBQYHCAkKCw==\n")
    monkeypatch.setattr(certbot, "ACCOUNT_FILE", tmp_path / "account.ini")
    monkeypatch.setattr(ExternalAccount, "read", partial(ExternalAccount.read, tmp_path))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout="refused", stderr=""))
    with pytest.raises(certbot.RefusedError):
        certbot.issue(replace(SETTINGS, acme_eab=True), tmp_path)
    assert certbot.ACCOUNT_FILE.read_text() == "eab-kid = kid-1\neab-hmac-key = -_8B-_8BAgMEBQYHCAkKCw\n"
    assert certbot.ACCOUNT_FILE.stat().st_mode & 0o777 == 0o600


def test_a_private_ca_is_trusted_by_its_own_bundle_and_the_others_by_the_worlds() -> None:
    private = Settings(https="letsencrypt", domain=NAME, address="", acme_server="x", acme_ca=True)
    assert certbot.environment(private)["REQUESTS_CA_BUNDLE"] == "/etc/door/acme-ca.pem"
    assert certbot.environment(SETTINGS).get("REQUESTS_CA_BUNDLE") != "/etc/door/acme-ca.pem"


def test_the_request_is_for_the_sites_name_and_signed_by_its_key() -> None:
    key = new_key()
    request = x509.load_pem_x509_csr(certbot.request(NAME, key).encode())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME]


# As certbot 4.0 prints them.
FAILED_CHALLENGE = """
Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: hub.example.org
  Type:   unauthorized
  Detail: 198.51.100.7: Invalid response from http://hub.example.org/.well-known/acme-challenge/x: 404

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
"""
RATE_LIMITED = """An unexpected error occurred:
Error creating new order :: too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, \
retry after 2026-03-02 10:20:30 UTC: see https://letsencrypt.org/docs/rate-limits/
Ask for help or search for solutions at https://community.letsencrypt.org.
"""


def test_what_the_ca_says_is_told_in_its_own_words() -> None:
    assert str(certbot.refusal(FAILED_CHALLENGE)) == (
        "198.51.100.7: Invalid response from http://hub.example.org/.well-known/acme-challenge/x: 404"
    )
    assert certbot.refusal(FAILED_CHALLENGE).until is None
    assert str(certbot.refusal("")) == "certbot said nothing"
    assert str(certbot.refusal("one\nthe last\n")) == "the last"


def test_the_end_of_a_rate_limit_is_understood() -> None:
    refused = certbot.refusal(RATE_LIMITED)
    assert refused.until == datetime(2026, 3, 2, 10, 20, 30, tzinfo=UTC).timestamp()
    assert str(refused).startswith("Error creating new order :: too many certificates (5) already issued")
