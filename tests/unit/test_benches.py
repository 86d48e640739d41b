"""The tables of the benches: what is compared with what."""

from __future__ import annotations

from benches import classroom, image, spawn
from benches.classroom import Class


def test_a_start_is_compared_with_the_floors_median() -> None:
    lines = spawn.table({"floor": [1.0, 2.0, 9.0], "ours": [2.2, 2.2, 2.2]}).splitlines()
    assert lines[0].endswith("of 3 starts each, seconds")
    assert lines[1].split() == ["floor", "2.00", "1.00", "9.00", "1.00"]
    assert lines[2].split() == ["ours", "2.20", "2.20", "2.20", "1.10"]


def test_a_class_is_compared_by_what_95_of_100_waited_at_most() -> None:
    seconds = [float(second) for second in range(1, 101)]
    floor = Class(seconds=seconds, failures=[], hub_cpu=0, hub_memory=0)
    ours = Class(seconds=[2 * second for second in seconds], failures=["one"], hub_cpu=1.5, hub_memory=100 * 1024**2)
    lines = classroom.table({"floor": floor, "ours": ours}).splitlines()
    assert lines[1].split() == ["floor", "51.0", "96.0", "100.0", "1.00", "0"]
    assert lines[2].split() == ["ours", "102.0", "192.0", "200.0", "2.00", "1", "1.5", "100"]


def test_an_image_meets_its_goal_or_misses_it() -> None:
    assert image.table({"plain": [1.0], "ours": [0.7]}, "plain", "ours").endswith("ratio 0.70, goal 0.7: met")
    assert image.table({"plain": [1.0], "ours": [0.8]}, "plain", "ours").endswith("ratio 0.80, goal 0.7: missed")
