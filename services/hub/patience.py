"""Questions to Docker, asked again until it answers: a server of which nothing is known is not a server that has ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from docker.errors import APIError, DockerException
from requests import RequestException

# Anything that a request may end with. A client that cannot be made (the engine's version is asked then) is a DockerException.
FAILED = (DockerException, RequestException, OSError, TimeoutError)
# Conflict: the engine changes the same object at the moment. Request timeout, too many requests: it was busy.
LATER = frozenset({408, 409, 429})
FIRST_S, LONGEST_S, GROWTH = 0.5, 15.0, 1.6  # pauses between two questions
LOG_EVERY_S = 60.0
T_ = TypeVar("T_")


def is_refusal(error: BaseException) -> bool:
    """Whether Docker has answered, and its answer is no (404 and most of 4xx); else nothing is known."""
    status = error.status_code if isinstance(error, APIError) else None
    return status is not None and 400 <= status < 500 and status not in LATER


class Patience:
    """Asks again until Docker answers, and logs now and then that it does not: for all who ask, one line in `log_every_s`."""

    def __init__(
        self, log: logging.Logger, first_s: float = FIRST_S, longest_s: float = LONGEST_S, log_every_s: float = LOG_EVERY_S
    ) -> None:
        self._log, self._first_s, self._longest_s, self._log_every_s = log, first_s, longest_s, log_every_s
        self._logged: float | None = None

    async def until_answered(self, ask: Callable[[], Awaitable[T_]], on_silence: Callable[[str], None] = lambda _: None) -> T_:
        """What `ask` gives, however often it must be called. `on_silence` hears why each time that it failed.

        Raises docker.errors.APIError for what Docker refuses. Has no end but that: whoever has less time sets a time limit.
        """
        pause_s = self._first_s
        while True:
            try:
                return await ask()
            except FAILED as error:
                if is_refusal(error):
                    raise
                on_silence(str(error))
                self._log_now_and_then(error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * GROWTH, self._longest_s)

    def _log_now_and_then(self, error: BaseException) -> None:
        now = time.monotonic()
        if self._logged is None or now - self._logged >= self._log_every_s:
            self._logged = now
            self._log.warning("Docker gives no answer that says anything of the servers (%s): asking again until it does", error)
