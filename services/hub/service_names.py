"""From a user and a server to the names that belong to both: of the service in the swarm, and of the OAuth client in the hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from urllib.parse import quote

from services.hub.home_names import readable

LONGEST = 63  # for Swarm, and as a label in DNS: a service's name is its host's
_HASH_DIGITS = 24
_VALID = re.compile(rf"[a-z0-9](?:[a-z0-9_-]{{0,{LONGEST - 2}}}[a-z0-9])?")
_HASHED = re.compile(rf"--[0-9a-f]{{{_HASH_DIGITS}}}\Z")
# dockerspawner writes the bytes of other characters in hexadecimal, of these with one digit: two names could become one.
_ONE_DIGIT = re.compile(r"[\x00-\x0f]")


def service_name(user: str, server: str, todays: str, prefix: str = "jupyter", taken: Collection[str] = ()) -> str:
    """The name of a server's service; `server` is empty for the default one.

    `todays` is dockerspawner's: kept where Swarm and DNS take it and no other pair can have it. All others are at most 63
    characters of a-z, 0-9 and dashes: a part to read, `--` and 24 digits of the hash of the exact pair (96 bits of SHA-256).
    `taken` are names in use by other servers, which were given by other rules.
    """
    if _VALID.fullmatch(todays) and not _is_ambiguous(user, server, todays) and todays not in taken:
        return todays
    digest = hashlib.sha256(json.dumps([user, server]).encode()).hexdigest()[:_HASH_DIGITS]
    return f"{readable(f'{prefix}-{user}-{server}', LONGEST - len('--') - _HASH_DIGITS)}--{digest}"


def oauth_client_id(user: str, server: str) -> str:
    """The id of a server's OAuth client, which is the name of its cookie too.

    JupyterHub's has a dash between user and server, so that server `b` of user `a` would take away the client of user `a-b`.
    Neither name has a `!` in it once it is quoted.
    """
    return f"jupyterhub-user-{quote(user)}" + (f"!{quote(server)}" if server else "")


def _is_ambiguous(user: str, server: str, todays: str) -> bool:
    """Whether another pair may have the name: dockerspawner lowers the names of servers."""
    return server != server.lower() or bool(_ONE_DIGIT.search(user + server) or _HASHED.search(todays))
