"""storage/quotas.py killed at any step, and run again: every home ends up with its limit, and none is used without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fake_quota import DEFAULT, Volume


class PowerCut(BaseException):
    """Ends a run as `kill -9` does: no handler runs."""


def cut(volume: Volume, monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], None]:
    """Let the power fail before the change number `after` (from 0) of the next run; returns how to restore it."""
    left = [after]

    def dying(do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return do(*arguments, **options)

        return step

    scope = pytest.MonkeyPatch()
    scope.setattr(volume.quota, "set", dying(volume.quota.set))
    scope.setattr(volume.kernel, "tag", dying(volume.kernel.tag))
    scope.setattr(Path, "rename", dying(Path.rename))
    return scope.undo


def test_a_run_that_is_killed_at_any_step_is_made_good_by_the_next(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    homes: list[str] = []
    for step in range(100):
        wanted = [f"user-{step}-{number}" for number in range(2)]
        volume.request(*wanted)
        homes += wanted
        restore = cut(volume, monkeypatch, step)
        try:
            volume.run()
        except PowerCut:
            restore()
            for home in volume.homes():  # whoever is in has a limit, also now
                assert volume.limits(home) == DEFAULT
            assert volume.run() == []
            volume.check(*homes)
        else:
            restore()
            volume.check(*homes)
            assert step >= 6  # two files, the limits, two numbers, two folders
            return
    pytest.fail("a run never ended")
