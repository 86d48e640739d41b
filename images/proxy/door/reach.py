"""Whether the CA is likely to find this door: the name resolves, and port 80 behind it leads here."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from . import files
from .settings import STATE

WEBROOT = STATE / "webroot"
CHALLENGES = ".well-known/acme-challenge"
TIMEOUT_S = 10.0
# A failed look is a hint and no proof: the CA looks from elsewhere, and some clouds let no machine reach its own public
# address. So the CA is asked all the same, after this long.
PATIENCE_OWN_S, PATIENCE_OTHER_S = 60.0, 3600.0


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What is in the way, as a sentence without its full stop, and how long to give it before the CA is asked all the same."""

    text: str
    patience_s: float


def obstacle(name: str, address: str, webroot: Path = WEBROOT, port: int = 80) -> Obstacle | None:
    """What keeps the CA from finding this door by the name; None if nothing does. `address` is the site's public one.

    Raises OSError where the state folder takes no file: then the CA would ask in vain.
    """
    probe = f"probe-{secrets.token_hex(16)}"
    files.write(webroot / CHALLENGES / probe, probe)
    try:
        return _obstacle(name, address, probe, port)
    finally:
        (webroot / CHALLENGES / probe).unlink(missing_ok=True)


def _obstacle(name: str, address: str, probe: str, port: int) -> Obstacle | None:
    remedy = f"its DNS entry must be the address {address}"
    try:
        found = _addresses(name, port, socket.AF_INET)
    except socket.gaierror as error:
        known = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
        said = "does not resolve yet" if known else f"cannot be looked up ({error.strerror})"
        return Obstacle(text=f"{name} {said}; {remedy}", patience_s=PATIENCE_OTHER_S)
    for one in found:
        answer = _fetch(one, name, probe, port)
        if answer == probe:
            continue
        if one != address:
            return Obstacle(text=f"{name} points to {one}, which is not this site; {remedy}", patience_s=PATIENCE_OTHER_S)
        said = f"port {port} of {name} ({one}) cannot be reached from here ({answer}); is it open to the world?"
        return Obstacle(text=said, patience_s=PATIENCE_OWN_S)
    return _other_family(name, probe, port)


def _other_family(name: str, probe: str, port: int) -> Obstacle | None:
    """What a CA finds that looks at IPv6 first, as Let's Encrypt does. The site itself has IPv4 alone, but a proxy in front of it
    may have both. From a machine without IPv6 nothing can be seen there; then it is said, and the CA asked soon all the same."""
    with contextlib.suppress(socket.gaierror):  # the name has no such address
        for one in _addresses(name, port, socket.AF_INET6):
            answer = _fetch(one, name, probe, port)
            if answer != probe:
                seen = f"where this site is not found ({answer}); remove that DNS entry"
                return Obstacle(text=f"{name} has the IPv6 address {one} too (AAAA), {seen}", patience_s=PATIENCE_OWN_S)
    return None


def _addresses(name: str, port: int, family: socket.AddressFamily) -> list[str]:
    """Raises socket.gaierror where there are none."""
    return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, port, family, socket.SOCK_STREAM)})


def _fetch(address: str, name: str, probe: str, port: int) -> str:
    """What the server at an address answers for the probe of this name, or why there is no answer."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/{CHALLENGES}/{probe}", headers={"Host": name})
        answer = connection.getresponse()
        body = answer.read(200).decode(errors="replace")
        return body if answer.status == 200 else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
