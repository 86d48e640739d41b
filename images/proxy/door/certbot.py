"""certbot, which speaks ACME: asked with a key and a request of the door's own, it leaves its account and a chain."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import files
from .certificate import Pair, general_name, key_pem, new_key
from .external_account import ExternalAccount
from .reach import WEBROOT
from .settings import ACME_CA, RUN, STATE, Settings

TIMEOUT_S = 300.0
ACCOUNT_FILE = RUN / "external-account.ini"


class RefusedError(Exception):
    """The CA did not issue. `until` is the time (seconds since 1970) before which it will not be asked again, if it told one."""

    def __init__(self, text: str, until: float | None) -> None:
        super().__init__(text)
        self.until = until


def issue(settings: Settings, work: Path = STATE / "certbot") -> Pair:
    """A new certificate for a new key. Raises RefusedError, or OSError where the state folder does not work.

    By a request of our own (`--csr`) certbot keeps no lineages, which a full disk would leave half written.
    """
    key, order, account = new_key(), work / "order", None
    shutil.rmtree(order, ignore_errors=True)
    files.write(order / "request.pem", request(settings.name, key))
    if settings.acme_eab:
        account = ExternalAccount.read()
        files.write(ACCOUNT_FILE, account.certbot_options(), 0o600)
    words, variables = command(settings, work, account), environment(settings)
    try:
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise RefusedError(f"the CA took longer than {TIMEOUT_S:.0f} s", None) from None
    if done.returncode != 0:
        raise refusal(done.stdout + done.stderr)
    return Pair(chain=(order / "fullchain.pem").read_text(), key=key_pem(key))


def command(settings: Settings, work: Path = STATE / "certbot", account: ExternalAccount | None = None) -> list[str]:
    """certbot's command line; nothing in it is secret."""
    order, config = work / "order", work / "config"
    bound: list[str] = []
    if account:  # another one is another account at the ACME server; certbot would go on with the one that it has
        config = work / f"config-{sha256(account.key_id.encode()).hexdigest()[:8]}"
        bound = ["--config", str(ACCOUNT_FILE)]
    contact = ["--email", settings.acme_email] if settings.acme_email else ["--register-unsafely-without-email"]
    profile = ["--required-profile", settings.acme_profile] if settings.acme_profile else []
    return [
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *contact),
        *("--server", settings.acme_server, *profile, *bound),
        *("--webroot", "--webroot-path", str(WEBROOT)),
        *("--csr", str(order / "request.pem"), "--fullchain-path", str(order / "fullchain.pem")),
        *("--cert-path", str(order / "cert.pem"), "--chain-path", str(order / "chain.pem")),
        *("--config-dir", str(config), "--work-dir", str(work / "work"), "--logs-dir", str(work / "logs")),
        *("--max-log-backups", "5"),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """certbot's environment: with the CA bundle that the ACME server is trusted by, where it is a private one."""
    return {**os.environ, **({"REQUESTS_CA_BUNDLE": str(ACME_CA)} if settings.acme_ca else {})}


def request(name: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A signing request for one name, as PEM."""
    builder = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([])).add_extension(
        x509.SubjectAlternativeName([general_name(name)]), critical=False
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def refusal(said: str) -> RefusedError:
    """What certbot said, as short as it can be understood: the CA's own words, and its time where it names one."""
    details = re.findall(r"Detail: (.+)", said)
    unexpected = re.search(r"An unexpected error occurred:\n(.+)", said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = "; ".join(details) or (unexpected[1] if unexpected else "") or (lines[-1] if lines else "certbot said nothing")
    retry = re.search(r"retry after (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", said)
    until = datetime.strptime(retry[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() if retry else None
    return RefusedError(text.strip()[:500], until)
