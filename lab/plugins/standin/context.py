"""What an operation may use beside its values: messages to the user, the provider's configuration, cancellation."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from standin.errors import CancelledError, ProviderError
from standin.values import Path

ConfigT = TypeVar("ConfigT")
# A shorter text (a user name, a port) would make messages unreadable where it is replaced.
_SHORTEST_SECRET = 6


class Severity(Enum):
    """How the engine shows a message."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True)
class Message:
    """One message for the engine. `ephemeral`: shown beside the resource while it is worked on, then gone."""

    severity: Severity
    text: str
    urn: str = ""
    ephemeral: bool = False


class Redactor:
    """Replaces secret texts in messages, so that no error or log line carries one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        lines = {line.strip() for secret in secrets for line in (secret, *secret.splitlines())}
        self._secrets = sorted((line for line in lines if len(line) >= _SHORTEST_SECRET), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


@dataclass(frozen=True)
class Context(Generic[ConfigT]):
    """One operation on one resource.

    `config` is what the provider's `ConfigType.configure` returned; it is None in a preview whose provider
    configuration is not known yet. `timeout` is in seconds, 0 when the user set none (customTimeouts).
    """

    urn: str
    token: str
    config: ConfigT | None
    send: Callable[[Message], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    redact: Redactor = field(default_factory=Redactor)
    timeout: float = 0
    secrets: frozenset[Path] = frozenset()
    """Which paths of the inputs (for a delete: of the outputs) are secret."""
    started: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    def debug(self, text: str) -> None:
        """For `pulumi up --debug` only."""
        self._log(Severity.DEBUG, text)

    def info(self, text: str) -> None:
        """Stays in the run's diagnostics."""
        self._log(Severity.INFO, text)

    def warning(self, text: str) -> None:
        """Stays in the run's diagnostics, marked."""
        self._log(Severity.WARNING, text)

    def error(self, text: str) -> None:
        """Stays in the run's diagnostics and makes the run fail."""
        self._log(Severity.ERROR, text)

    def status(self, text: str) -> None:
        """Progress: one line beside the resource, replaced by the next."""
        self._log(Severity.INFO, text, ephemeral=True)

    def check_cancelled(self) -> None:
        """Raises CancelledError once the engine asked to stop, ProviderError once the time is over."""
        if self.cancelled.is_set():
            raise CancelledError(f"{self.name}: cancelled by the user")
        if self.timeout and time.monotonic() - self.started > self.timeout:
            raise ProviderError(f"{self.name}: not done after {self.timeout:g} s (customTimeouts)")

    def wait(self, seconds: float) -> None:
        """Sleeps, but no longer than until the engine asks to stop or the time is over; raises then."""
        if self.timeout:
            seconds = min(seconds, max(0.0, self.started + self.timeout - time.monotonic() + 0.01))
        self.cancelled.wait(seconds)
        self.check_cancelled()

    def required_config(self) -> ConfigT:
        """The provider's configuration where it must be known (create, read, update, delete)."""
        if self.config is None:
            raise RuntimeError("the provider is not configured yet")
        return self.config

    def _log(self, severity: Severity, text: str, ephemeral: bool = False) -> None:
        self.send(Message(severity, self.redact(text), self.urn, ephemeral))
