"""The account that somebody has with a CA already, which the door's own at its ACME server is bound to (RFC 8555, 7.3.4)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

SECRETS = Path("/run/secrets")
KEY_ID, HMAC_KEY = "acme-eab-key-id", "acme-eab-hmac-key"  # swarm secrets


@dataclass(frozen=True, kw_only=True)
class ExternalAccount:
    """`key_id` names the account, `hmac_key` is its key in base64url, both as the CA shows them."""

    key_id: str
    hmac_key: str

    @classmethod
    def read(cls, secrets: Path = SECRETS) -> ExternalAccount:
        """Raises OSError."""
        return cls(key_id=(secrets / KEY_ID).read_text().strip(), hmac_key=base64url((secrets / HMAC_KEY).read_text()))

    def certbot_options(self) -> str:
        """As a configuration file of certbot's: arguments would show in the list of processes."""
        return f"eab-kid = {self.key_id}\neab-hmac-key = {self.hmac_key}\n"


def key_id(text: str) -> str:
    """The id without what a terminal has put around it. Raises ValueError where it is none."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/=:@-]+", text.strip()):
        raise ValueError("must be the key id as the CA shows it, one word of letters, digits and -._~+/=:@")
    return text.strip()


def base64url(text: str) -> str:
    """A key in base64url without padding, whichever base64 it came in. certbot drops letters that it does not know, without a
    word. Raises ValueError where it is none."""
    plain = "".join(text.split()).rstrip("=").replace("+", "-").replace("/", "_")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", plain) or len(plain) % 4 == 1:
        raise ValueError("must be the HMAC key as the CA shows it, in base64")
    if len(base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))) < 16:
        raise ValueError("is too short for an HMAC key; copy all of it")
    return plain
