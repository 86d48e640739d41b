"""What the deployment told the door: a swarm config with nothing secret in it, written by components/proxy.py."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path("/etc/door/settings.json")
STATE = Path("/var/lib/door")  # on the state volume: keys, certificates, the account at the CA
RUN = Path("/tmp/door")  # noqa: S108  the container's own; what a restart may forget


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`https` is letsencrypt, selfsigned, provided or none. `name` is the host name of the site, or its address where it has
    none; `address` the site's public IPv4 address.

    For letsencrypt: `acme_server` is the URL of an ACME directory; `acme_email` and `acme_profile` may be empty; `acme_ca` is
    the file of a private CA that the ACME server itself is trusted by, or empty.
    """

    https: str
    name: str
    address: str
    acme_server: str = ""
    acme_email: str = ""
    acme_profile: str = ""
    acme_ca: str = ""

    @classmethod
    def read(cls, file: Path = FILE) -> Settings:
        """Raises OSError or ValueError where the file is not what components/proxy.py wrote."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))
