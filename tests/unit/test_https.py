"""The settings of the certificate: contradictions, and a given certificate that could not be used, are refused at once."""

from __future__ import annotations

import pytest

from components import schema
from components.https import ACME_SERVERS, Https, acme_server
from components.settings import SettingsError, load
from images.proxy.door.external_account import base64url
from tests.unit.door_pairs import NAME, made
from tests.unit.refused_values import LoadStack, refusals

HMAC_KEY = "-_8B-_8BAgMEBQYHCAkKCw"


def test_a_provided_certificate_is_checked_before_the_first_resource(load_stack: LoadStack) -> None:
    assert refusals(load_stack, https="provided", domain=NAME) == [
        "certificate: not set, but https is provided; run: pulumi config set --secret certificate < fullchain.pem",
        "certificateKey: not set, but https is provided; run: pulumi config set --secret certificateKey < privkey.pem",
    ]
    pair = made()
    secrets = {"certificate": pair.chain, "certificateKey": pair.key}
    assert load_stack(secrets, https="provided", domain=NAME).https is Https.PROVIDED
    with pytest.raises(SettingsError, match=r"certificate: is not for other\.example\.org") as refused:
        load_stack(secrets, https="provided", domain="other.example.org")
    assert "PRIVATE KEY" not in str(refused.value)


@pytest.mark.parametrize(
    ("secrets", "line"),
    [
        ({"acmeEabKeyId": "kid"}, "acmeEabHmacKey: not set, but the other of the two is; run: pulumi config set --secret acme"),
        ({"acmeEabKeyId": "", "acmeEabHmacKey": HMAC_KEY}, "acmeEabKeyId: not set, but the other of the two is"),
        ({"acmeEabKeyId": "a b", "acmeEabHmacKey": HMAC_KEY}, "acmeEabKeyId: must be the key id as the CA shows it"),
        ({"acmeEabKeyId": "kid", "acmeEabHmacKey": "no base64!"}, "acmeEabHmacKey: must be the HMAC key as the CA shows it"),
        ({"acmeEabKeyId": "kid", "acmeEabHmacKey": "c2hvcnQ"}, "acmeEabHmacKey: is too short for an HMAC key; copy all of it"),
    ],
)
def test_half_an_account_at_a_ca_or_a_damaged_one_is_refused(load_stack: LoadStack, secrets: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_stack(secrets, https="letsencrypt", domain=NAME)
    assert f"  - {line}" in str(refused.value)


def test_an_account_at_a_ca_is_taken_in_whichever_base64_the_ca_shows_it(load_stack: LoadStack) -> None:
    for key in (HMAC_KEY, f"{HMAC_KEY}==", f" {HMAC_KEY}\n", HMAC_KEY.replace("-", "+").replace("_", "/")):
        load_stack({"acmeEabKeyId": "kid", "acmeEabHmacKey": key}, https="letsencrypt", domain=NAME)
        assert base64url(key) == HMAC_KEY


def test_secrets_that_are_not_asked_for_are_not_looked_at(load_stack: LoadStack) -> None:
    assert load_stack({"certificate": "rubbish"}).https is Https.SELFSIGNED


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"https": "letsencrypt"}, "domain: empty, but with https letsencrypt the CA must find the site by a name; set it"),
        ({"https": "provided"}, "domain: empty, but with https provided the certificate is for a name; set it"),
        ({"https": "none"}, "https: none sends passwords over the network as plain text; choose letsencrypt or selfsigned"),
    ],
)
def test_settings_that_leave_a_site_without_a_certificate_are_refused(
    load_stack: LoadStack, changes: dict[str, str], key: str
) -> None:
    assert refusals(load_stack, **changes)[0].startswith(key)


def test_a_site_without_tls_must_be_confirmed(load_stack: LoadStack) -> None:
    assert load_stack(https="none", allowPlainHttp="true").https is Https.NONE


def test_acme_servers_have_short_names() -> None:
    assert acme_server("letsencrypt-staging") == ACME_SERVERS["letsencrypt-staging"]
    assert acme_server("https://ca.example.org:9000/acme/directory") == "https://ca.example.org:9000/acme/directory"


def test_lets_encrypt_is_the_default(load_stack: LoadStack, stack_values: dict[str, str]) -> None:
    values = {key: value for key, value in stack_values.items() if key != "https"}
    settings = load({**values, "domain": NAME}.get, schema.load())
    assert (settings.https, settings.acme_server) == (Https.LETSENCRYPT, ACME_SERVERS["letsencrypt"])
    assert (settings.hsts, settings.upload_limit) == (15_552_000, 512 * 1024**2)
