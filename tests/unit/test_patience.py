"""services/hub/patience.py: asking again until Docker answers."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hub.patience import LATER, Patience, is_refusal
from tests.unit.fake_swarm import refusal

LOG = logging.getLogger("patience")


class Docker:
    """Fails with each of the errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@given(st.lists(st.sampled_from([500, 502, 503, 504, *LATER]), max_size=8))
def test_it_asks_until_there_is_an_answer_and_tells_each_failure(statuses: list[int]) -> None:
    docker, told = Docker(*map(refusal, statuses)), []  # type: ignore[var-annotated]
    patience = Patience(LOG, first_s=0, longest_s=0)
    assert asyncio.run(patience.until_answered(docker, told.append)) == "answer"
    assert docker.asked == len(statuses) + 1
    assert len(told) == len(statuses)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_an_answer(status: int) -> None:
    docker = Docker(refusal(status))
    with pytest.raises(type(refusal(status))):
        asyncio.run(Patience(LOG, first_s=0).until_answered(docker))
    assert docker.asked == 1
    assert is_refusal(refusal(status))


def test_a_fault_of_the_program_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        asyncio.run(Patience(LOG, first_s=0).until_answered(Docker(KeyError("no such field"))))


def test_the_pauses_grow_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("services.hub.patience.asyncio.sleep", sleep)
    asyncio.run(Patience(LOG, first_s=1, longest_s=5).until_answered(Docker(*[ConnectionError()] * 9)))
    assert pauses == sorted(pauses)
    assert pauses[0] == 1
    assert pauses[-3:] == [5, 5, 5]


def test_however_many_ask_the_log_gets_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    async def many() -> list[Any]:
        patience = Patience(LOG, first_s=0, longest_s=0)
        return await asyncio.gather(*(patience.until_answered(Docker(*[ConnectionError()] * 5)) for _ in range(50)))

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(many()) == ["answer"] * 50
    assert len(caplog.records) == 1


def test_whoever_waits_may_stop_waiting() -> None:
    async def ended() -> None:
        async with asyncio.timeout(0.05):
            await Patience(LOG, first_s=0.01).until_answered(Docker(*[ConnectionError()] * 10**6))

    with pytest.raises(TimeoutError):
        asyncio.run(ended())
