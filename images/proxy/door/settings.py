"""What the deployment told the door: a swarm config with nothing secret in it, written by components/proxy.py."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path("/etc/door/settings.json")
ADDRESS_VARIABLE = "PUBLIC_ADDRESS"
ACME_CA = Path("/etc/door/acme-ca.pem")
STATE = Path("/var/lib/door")  # on the state volume: keys, certificates, the account at the CA
RUN = Path("/tmp/door")  # noqa: S108  the container's own; what a restart may forget


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`https` is letsencrypt, selfsigned, provided or none. `domain` is the host name of the site, or empty: then `address`, its
    public IPv4 address, is its name.

    For letsencrypt: `acme_server` is the URL of an ACME directory; `acme_email` and `acme_profile` may be empty; `acme_ca` is
    whether ACME_CA holds the CA that the ACME server itself is trusted by, `acme_eab` whether an external account is among the
    secrets (external_account.py).
    """

    https: str
    domain: str
    address: str
    acme_server: str = ""
    acme_email: str = ""
    acme_profile: str = ""
    acme_ca: bool = False
    acme_eab: bool = False

    @property
    def name(self) -> str:
        """What certificates are for."""
        return self.domain or self.address

    def render(self) -> str:
        """All but the address, as JSON: that is in the environment, since it is not known when the file gets its name."""
        return (
            json.dumps({key: value for key, value in asdict(self).items() if key != "address"}, indent=1, sort_keys=True) + "\n"
        )

    @classmethod
    def read(cls, file: Path = FILE) -> Settings:
        """Raises OSError, ValueError or KeyError where the service is not what components/proxy.py declares."""
        return cls(**json.loads(file.read_text(encoding="utf-8")), address=os.environ[ADDRESS_VARIABLE])
