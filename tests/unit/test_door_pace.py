"""How often the door asks a CA: never beyond Let's Encrypt's limits, and at once when there is reason to hope."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from images.proxy.door.pace import FIRST_S, HOUR_S, LONGEST_S, MOST_AN_HOUR, Pace, growing


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(tmp_path: Path, clock: Clock) -> Pace:
    return Pace(tmp_path / "asked.json", clock)


def test_pauses_double_up_to_a_bound_and_are_never_the_same_for_all() -> None:
    for failures, least in ((1, 900), (2, 1800), (3, 3600), (40, LONGEST_S)):
        assert least <= growing(FIRST_S, LONGEST_S, failures) <= least * 1.1
    assert len({growing(FIRST_S, LONGEST_S, 1) for _ in range(20)}) > 1


def test_after_a_refusal_the_ca_is_left_alone_for_a_quarter_of_an_hour_at_least(pace: Pace, clock: Clock) -> None:
    assert pace.next_ask <= clock.now
    pace.refused()
    assert pace.next_ask >= clock.now + 900


def test_the_time_that_the_ca_tells_is_waited_for(pace: Pace, clock: Clock) -> None:
    pace.refused(clock.now + 7 * 86400)
    assert pace.next_ask == clock.now + 7 * 86400


def test_when_the_obstacle_is_gone_the_pause_is_not_waited_out_but_the_limit_holds(pace: Pace, clock: Clock) -> None:
    for _ in range(MOST_AN_HOUR):
        assert pace.next_ask <= clock.now
        pace.count()
        pace.refused()
        pace.encouraged()
        clock.now += 60
    assert pace.next_ask == clock.now - MOST_AN_HOUR * 60 + HOUR_S


def test_what_was_asked_is_remembered_by_the_next_container(pace: Pace, clock: Clock, tmp_path: Path) -> None:
    for _ in range(MOST_AN_HOUR):
        pace.count()
    assert Pace(tmp_path / "asked.json", clock).next_ask == clock.now + HOUR_S


def test_what_was_issued_does_not_count(pace: Pace, clock: Clock) -> None:
    for _ in range(3 * MOST_AN_HOUR):
        pace.count()
        pace.issued()
    assert pace.next_ask <= clock.now


@pytest.mark.parametrize("text", ["", "{", "[1e99]"])
def test_a_file_that_is_broken_or_of_another_time_stops_nothing(pace: Pace, clock: Clock, tmp_path: Path, text: str) -> None:
    (tmp_path / "asked.json").write_text(text)
    assert pace.next_ask <= clock.now


@hypothesis.given(
    strategies.lists(strategies.tuples(strategies.sampled_from(["encouraged", "again", "wait"]), strategies.integers(1, 7200)))
)
@hypothesis.settings(max_examples=50)
def test_no_course_of_events_fails_five_times_within_an_hour(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int]]
) -> None:
    clock = Clock()
    failed: list[float] = []
    file = tmp_path_factory.mktemp("pace") / "asked.json"
    pace = Pace(file, clock)
    for event, seconds in events:
        if event == "encouraged":
            pace.encouraged()
        elif event == "again":
            pace = Pace(file, clock)
        while pace.next_ask <= clock.now and len(failed) < 100:
            pace.count()
            pace.refused()
            failed.append(clock.now)
        clock.now += seconds
    assert all(later - failed[number] >= HOUR_S for number, later in enumerate(failed[4:]))
