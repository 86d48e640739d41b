"""How often the door asks a CA: never beyond Let's Encrypt's limits, and at once when there is reason to hope."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from images.proxy.door import pace as pace_module
from images.proxy.door.pace import FIRST_S, HOUR_S, LONGEST_S, MOST_AN_HOUR, TOLD_LONGEST_S, Pace, growing

DAY_S = 86400.0


class Clock:
    """Both clocks of the machine: `set` changes what the one says that people set, `pass_` lets time go by."""

    def __init__(self) -> None:
        self._set, self._steady = 1_800_000_000.0, 5.0

    def time(self) -> float:
        return self._set

    def monotonic(self) -> float:
        return self._steady

    def set(self, ahead_s: float) -> None:
        self._set += ahead_s

    def pass_(self, seconds: float) -> None:
        self._set, self._steady = self._set + seconds, self._steady + seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pace_module, "time", made)
    return made


@pytest.fixture
def pace(tmp_path: Path, clock: Clock) -> Pace:
    return Pace(tmp_path / "asked.json")


def test_pauses_double_up_to_a_bound_and_are_never_the_same_for_all() -> None:
    for failures, least in ((1, 900), (2, 1800), (3, 3600), (40, LONGEST_S)):
        assert least <= growing(FIRST_S, LONGEST_S, failures) <= least * 1.1
    assert len({growing(FIRST_S, LONGEST_S, 1) for _ in range(20)}) > 1


def test_after_a_refusal_the_ca_is_left_alone_for_a_quarter_of_an_hour_at_least(pace: Pace) -> None:
    assert pace.wait_s <= 0
    pace.refused()
    assert pace.wait_s >= 900


def test_the_time_that_the_ca_tells_is_waited_for(pace: Pace, clock: Clock) -> None:
    pace.refused(clock.time() + 5 * DAY_S)
    assert pace.wait_s == pytest.approx(5 * DAY_S)


def test_a_refusal_by_a_clock_that_was_ahead_is_not_waited_out_until_then(pace: Pace, clock: Clock) -> None:
    clock.set(30 * DAY_S)
    pace.count()
    pace.refused()
    clock.set(-30 * DAY_S)
    assert pace.wait_s <= FIRST_S * 1.1


def test_what_the_ca_tells_counts_for_a_week_at_most_since_a_clock_that_is_behind_would_make_it_months(
    pace: Pace, clock: Clock
) -> None:
    told = clock.time() + DAY_S
    clock.set(-90 * DAY_S)
    pace.refused(told)
    assert pace.wait_s == TOLD_LONGEST_S


def test_when_the_obstacle_is_gone_the_pause_is_not_waited_out_but_the_limit_holds(pace: Pace, clock: Clock) -> None:
    for _ in range(MOST_AN_HOUR):
        assert pace.wait_s <= 0
        pace.count()
        pace.refused()
        pace.encouraged()
        clock.pass_(60)
    assert pace.wait_s == pytest.approx(HOUR_S - MOST_AN_HOUR * 60)


def test_what_was_asked_is_remembered_by_the_next_container(pace: Pace, tmp_path: Path) -> None:
    for _ in range(MOST_AN_HOUR):
        pace.count()
    assert Pace(tmp_path / "asked.json").wait_s == HOUR_S


@pytest.mark.parametrize(("lifetime_s", "pause_s"), [(90 * DAY_S, HOUR_S), (6 * DAY_S, HOUR_S), (300.0, 100.0)])
@pytest.mark.parametrize("restarted", [False, True])
def test_no_two_certificates_are_asked_for_within_an_hour_or_a_third_of_their_lifetime(
    pace: Pace, clock: Clock, tmp_path: Path, lifetime_s: float, pause_s: float, restarted: bool
) -> None:
    pace.count()
    pace.issued(lifetime_s)
    next_one = Pace(tmp_path / "asked.json") if restarted else pace
    assert next_one.has_just_issued
    assert next_one.wait_s == pytest.approx(pause_s)
    clock.pass_(pause_s + 1)
    assert next_one.wait_s <= 0
    assert not next_one.has_just_issued


def test_setting_the_clock_does_not_bring_the_next_certificate_nearer(pace: Pace, clock: Clock, tmp_path: Path) -> None:
    pace.issued(90 * DAY_S)
    clock.set(30 * DAY_S)
    assert pace.wait_s == HOUR_S
    clock.set(-60 * DAY_S)
    assert pace.wait_s == HOUR_S
    # Another container knows times of the clock alone, and one that is still to come tells nothing.
    assert Pace(tmp_path / "asked.json").wait_s <= 0


def test_what_was_issued_is_no_failure(pace: Pace, clock: Clock) -> None:
    for _ in range(3 * MOST_AN_HOUR):
        pace.count()
        pace.issued(300.0)
        clock.pass_(101)
    assert pace.wait_s <= 0


@pytest.mark.parametrize("text", ["", "{", "[1e99]", "{}", '{"asked": [1e99], "issued": 1e99, "issued_until": 1e99}'])
def test_a_file_that_is_broken_or_of_another_time_stops_nothing(pace: Pace, tmp_path: Path, text: str) -> None:
    (tmp_path / "asked.json").write_text(text)
    assert pace.wait_s <= 0


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
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pace_module, "time", clock)
        pace = Pace(file)
        for event, seconds in events:
            if event == "encouraged":
                pace.encouraged()
            elif event == "again":
                pace = Pace(file)
            while pace.wait_s <= 0 and len(failed) < 100:
                pace.count()
                pace.refused()
                failed.append(clock.time())
            clock.pass_(seconds)
    assert all(later - failed[number] >= HOUR_S for number, later in enumerate(failed[4:]))
