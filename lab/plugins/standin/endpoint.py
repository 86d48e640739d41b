"""Where to sign in and how: the `connection` input, read and refused early where ssh could not take it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standin.errors import InvalidInput, ProviderError
from standin.values import Properties

_SAFE_HOST = re.compile(r"[A-Za-z0-9._:%\[\]-]+")
_SAFE_USER = re.compile(r"[A-Za-z0-9._@\\-]+")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One host to sign in to. Times in seconds; `dial_error_limit` -1 means no limit, `per_dial_timeout` 0 none."""

    host: str
    port: int
    user: str
    private_key: str | None
    private_key_password: str | None
    agent_socket: str | None
    host_key: str | None
    dial_error_limit: int
    per_dial_timeout: int

    @classmethod
    def from_inputs(cls, values: Mapping[str, Any], owner: str) -> "Endpoint":
        """Reads a checked `connection` or `proxy`. Raises ProviderError, naming `owner`, for what ssh cannot take."""
        host, user = values["host"], values.get("user", "root")
        if not _SAFE_HOST.fullmatch(host) or host.startswith("-"):
            raise ProviderError(f"{owner}.host: {host!r} is no host name or address")
        if not _SAFE_USER.fullmatch(user) or user.startswith("-"):
            raise ProviderError(f"{owner}.user: {user!r} is no user name")
        key = values.get("privateKey")
        if key is not None and "PRIVATE KEY-----" not in key:
            raise ProviderError(f"{owner}.privateKey: not a private key in PEM or OpenSSH form (ssh: no key found)")
        return cls(
            host=host,
            port=int(values.get("port", 22)),
            user=user,
            private_key=key,
            private_key_password=values.get("privateKeyPassword"),
            agent_socket=_agent_socket(values, owner),
            host_key=_host_key(values.get("hostKey"), owner),
            dial_error_limit=int(values.get("dialErrorLimit", 10)),
            per_dial_timeout=int(values.get("perDialTimeout", 15)),
        )


def _agent_socket(values: Mapping[str, Any], owner: str) -> str | None:
    """The agent that was asked for, or the user's own when nothing else could sign in."""
    path: str | None = values.get("agentSocketPath")
    if path is None and not values.get("privateKey"):
        path = os.environ.get("SSH_AUTH_SOCK") or None
    if path is not None and not Path(path).is_socket():
        raise ProviderError(f"{owner}.agentSocketPath: {path} is no socket of an ssh agent")
    return path


def _host_key(text: str | None, owner: str) -> str | None:
    """`type base64` from a line in authorized_keys form."""
    if text is None:
        return None
    match = re.search(r"(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+)\s+([A-Za-z0-9+/=]+)", text)
    if match is None:
        raise ProviderError(f"{owner}.hostKey: not a public key of the form 'ssh-ed25519 AAAA...'")
    return f"{match[1]} {match[2]}"


@dataclass(frozen=True)
class Connection:
    """A host, maybe behind a bastion."""

    target: Endpoint
    proxy: Endpoint | None = None

    @classmethod
    def from_inputs(cls, values: Properties) -> "Connection":
        """Reads the checked `connection` input."""
        proxy = values.get("proxy")
        return cls(
            Endpoint.from_inputs(values, "connection"),
            None if proxy is None else Endpoint.from_inputs(proxy, "connection.proxy"),
        )


def refuse_passwords(connection: Any, owner: str = "connection") -> None:
    """Raises InvalidInput where a connection (known or not yet) wants to sign in with a password."""
    if not isinstance(connection, Mapping):
        return
    if "password" in connection:
        reason = "the stand-in plugin signs in by key only; give privateKey or agentSocketPath, or use the vendor's plugin"
        raise InvalidInput(f"{owner}.password", reason)
    refuse_passwords(connection.get("proxy"), f"{owner}.proxy")
