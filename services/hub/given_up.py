"""A piece of work that may hang with the storage, in a thread that is given up after a while and then changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T_ = TypeVar("T_")


class NoAnswerError(Exception):
    """The storage of the homes did not answer."""


def within(limit_s: float, work: Callable[[], T_], discard: Callable[[T_], None] = lambda _: None) -> T_:
    """What the work returns; it must change nothing but by what it returns, since it may still run when it was given up.

    `discard` gets what comes after that. Raises NoAnswerError, or what the work raises. The thread ends with the process.
    """
    found: list[T_] = []
    errors: list[Exception] = []
    given_up, one_at_a_time = threading.Event(), threading.Lock()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            errors.append(error)
            return
        with one_at_a_time:
            if not given_up.is_set():
                found.append(result)
                return
        discard(result)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    with one_at_a_time:
        given_up.set()
    if found:
        return found[0]
    if errors:
        raise errors[0]
    raise NoAnswerError(f"no answer within {limit_s:.0f} s")
