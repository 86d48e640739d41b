"""How long a page was away, and what people saw instead."""

from __future__ import annotations

import threading
import time
from types import TracebackType

import requests

from tests.e2e.deployment import Deployment

# Seconds. What is not there within a person's patience counts as away.
PATIENCE, BETWEEN = 15, 0.3


class Watch:
    """Asks for a page, by default that for the log-in, again and again while its block runs.

    `pages` are the texts that came instead of it, `statuses` theirs; `down_s` the seconds from the first question that was not
    answered with it to the answer that first was again, 0 while there was neither.
    """

    def __init__(self, deployment: Deployment, path: str = "hub/login") -> None:
        self.pages: list[str] = []
        self.statuses: set[int] = set()
        self.down_s = 0.0
        self._deployment, self._path = deployment, path
        self._went: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def is_over(self) -> bool:
        """Whether the page was away and has come back."""
        return self.down_s > 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(BETWEEN):
            asked, answer = time.monotonic(), self._ask()
            if answer is not None and answer.status_code == 200:
                if self._went is not None and not self.is_over:
                    self.down_s = time.monotonic() - self._went
                continue
            # It may go once more: then the whole time counts.
            self._went, self.down_s = (asked if self._went is None else self._went), 0.0
            if answer is not None:
                self.statuses.add(answer.status_code)
            self.pages.append("" if answer is None else answer.text)

    def _ask(self) -> requests.Response | None:
        try:
            return self._deployment.get(self._path, PATIENCE)
        except requests.RequestException:
            return None
