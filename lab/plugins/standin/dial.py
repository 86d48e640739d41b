"""Attempts to reach a host, repeated as the vendor's plugin repeats them.

The vendor dials in steps, each with its own count: to the bastion (its limit), from the bastion to the host, or
straight to the host (the host's limit). The first pause is 0.1 s, each next 1.5 times longer, at most 5 s. A limit of
10 therefore means 11 attempts within about 11 s, if each fails at once.
"""

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from standin.context import Context
from standin.endpoint import Endpoint
from standin.errors import ProviderError
from standin.ssh import Client

_FIRST_PAUSE: Final = 0.1
_PAUSE_FACTOR: Final = 1.5
_LONGEST_PAUSE: Final = 5.0
_CONNECTED: Final = "Authenticated to "
# What no further attempt can change; the vendor finds these before it dials.
_BROKEN_KEY: Final = ("incorrect passphrase", "error in libcrypto", "invalid format", "bad permissions")

ResultT = TypeVar("ResultT")


class Step(Enum):
    """Which part of the way failed, by the name that the vendor shows."""

    DIRECT = "Dial"
    BASTION = "Dial proxy"
    FROM_BASTION = "Dial from proxy"
    SIGN_IN_BEHIND_BASTION = "Sign in from proxy"


class DialFailed(Exception):  # noqa: N818
    """One attempt that did not get a session."""

    def __init__(self, step: Step, reason: str) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason


def dial(context: Context[Any], client: Client, attempt: Callable[[], ResultT]) -> ResultT:
    """The result of the first attempt that gets a session. Raises ProviderError when the limit is reached."""
    connection = client.connection
    failures: Counter[Step] = Counter()
    while True:
        context.check_cancelled()
        client.clear_logs()
        try:
            return attempt()
        except DialFailed as failed:
            step, reason = failed.step, failed.reason
        failures[step] += 1
        proxied = "proxy: " if connection.proxy else ""
        if step is Step.SIGN_IN_BEHIND_BASTION or any(text in reason for text in _BROKEN_KEY):
            raise ProviderError(f"{proxied}{reason}")
        on_bastion = step is Step.BASTION and connection.proxy is not None
        limit = (connection.proxy if on_bastion and connection.proxy else connection.target).dial_error_limit
        if -1 < limit < failures[step]:
            raise ProviderError(f"{proxied}after {failures[step] - 1} failed attempts: {reason}")
        context.status(f"{step.value} {failures[step]}/{limit if limit > -1 else 'inf'} failed: retrying")
        context.wait(min(_LONGEST_PAUSE, _FIRST_PAUSE * _PAUSE_FACTOR ** (failures[step] - 1)))


def raise_if_not_connected(client: Client) -> None:
    """Raises DialFailed when the client's logs say that no session was reached.

    Behind a bastion, a failed sign-in is final: the vendor's plugin tries again on the same, then closed, connection
    and never gets through either.
    """
    connection = client.connection
    target, bastion = client.read_log("target"), client.read_log("bastion")
    if _CONNECTED in target:
        return
    if connection.proxy is None:
        raise DialFailed(Step.DIRECT, _reason(connection.target, target))
    if _CONNECTED not in bastion:
        raise DialFailed(Step.BASTION, _reason(connection.proxy, bastion or target))
    if "open failed" in bastion or "stdio forwarding failed" in bastion:
        raise DialFailed(Step.FROM_BASTION, _reason(connection.target, bastion))
    raise DialFailed(Step.SIGN_IN_BEHIND_BASTION, _reason(connection.target, target))


def _reason(endpoint: Endpoint, log: str) -> str:
    """Which host, and the lines of an ssh log that say why it ended."""
    where = f"{endpoint.user}@{endpoint.host}:{endpoint.port}"
    if "Host key verification failed" in log:
        return f"{where}: the host's key is not the one that hostKey pins (Host key verification failed)"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Warning: Permanently added", _CONNECTED, "debug"))]
    return f"{where}: " + ("; ".join(telling[-2:]) or "ssh ended without a word")
