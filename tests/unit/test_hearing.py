"""For how long the hub has heard its servers: what counts as a gap."""

from __future__ import annotations

import pytest

from services.hub.hearing import GAP_S, TICK_S, Hearing


class Clocks:
    """The wall's clock and the steady one, as a test sets them."""

    def __init__(self) -> None:
        self.wall, self.steady = 1000.0, 50.0

    def hearing(self) -> Hearing:
        """Of a hub that starts now."""
        return Hearing(lambda: self.wall, lambda: self.steady)

    def on(self, wall: float, steady: float | None = None) -> None:
        """Time goes on; the steady clock as the other, where nothing is said of it."""
        self.wall += wall
        self.steady += wall if steady is None else steady


def test_it_counts_from_the_hubs_start() -> None:
    clocks = Clocks()
    hearing = clocks.hearing()
    for _ in range(10):
        clocks.on(TICK_S)
        last = hearing.lasts_s()
    assert last == 10 * TICK_S


@pytest.mark.parametrize("steady", [0.0, 3600.0])  # a machine that was suspended, a process that was
def test_it_begins_anew_after_a_gap(steady: float) -> None:
    clocks = Clocks()
    hearing = clocks.hearing()
    clocks.on(TICK_S)
    assert hearing.lasts_s() == TICK_S
    clocks.on(3600, steady)
    assert hearing.lasts_s() == 0
    clocks.on(5)
    assert hearing.lasts_s() == 5


@pytest.mark.parametrize("late", [GAP_S - 1, -3600])  # a busy hub; a clock that was set back
def test_it_goes_on_when_the_hub_is_late_or_the_clock_is_set_back(late: float) -> None:
    clocks = Clocks()
    hearing = clocks.hearing()
    clocks.on(TICK_S + late, 7)
    assert hearing.lasts_s() == 7
