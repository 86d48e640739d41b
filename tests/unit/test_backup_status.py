"""storage/backup_status.py and storage/schedule.py: a backup that is missing is not told as a good one."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from storage.backup_status import BackupStatus
from storage.schedule import due_after, schedule_of

HOUR, DAY = 3600, 24 * 3600
NEXT = "next Fri 2026-01-02 03:00:00 UTC"


def at(text: str) -> int:
    """Seconds since 1970 of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Chicago"])
@pytest.mark.parametrize(
    ("schedule", "number", "expected"),
    [
        ("*-*-* 03:00 UTC", 1, "2026-01-02T03:00"),
        ("*-*-* 03:00 UTC", 2, "2026-01-03T03:00"),
        ("Mon..Fri 03:00 UTC", 2, "2026-01-05T03:00"),  # 2026-01-03 is a Saturday
        ("Sat 04:00 UTC", 2, "2026-01-10T04:00"),
        ("hourly UTC", 1, "2026-01-01T13:00"),
        ("*-*-* 03:00 Europe/Berlin", 1, "2026-01-02T02:00"),
    ],
)
def test_when_a_backup_is_due_is_what_systemd_says(
    schedule: str, number: int, expected: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    assert due_after(at("2026-01-01T12:00"), schedule, number) == at(expected)


@pytest.mark.parametrize("schedule", ["2020-01-01", "no schedule at all", ""])
def test_what_never_comes_is_never_due(schedule: str) -> None:
    assert due_after(at("2026-01-01T12:00"), schedule, 1) is None


class Node:
    """A storage node with a backup that was configured ten days ago; `service` is what systemd says of the unit."""

    def __init__(self, folder: Path) -> None:
        self.result, self.config, self.timer = folder / "result", folder / "config", folder / "timer"
        self.service, self.outcome = "inactive", "success"
        # Once a day, and last 12 hours ago.
        self.schedule = f"*-*-* {datetime.fromtimestamp(time.time() - 12 * HOUR, UTC):%H:%M} UTC"
        self.timer.write_text(f"[Timer]\nOnCalendar=\nOnCalendar={self.schedule}\n")
        self.configured(10 * DAY)

    def configured(self, ago_s: int) -> None:
        self.config.touch()
        os.utime(self.config, (time.time() - ago_s,) * 2)

    def ran(self, ago_s: int, problem: str = "", **more: Any) -> None:
        self.result.write_text(json.dumps({"time": int(time.time()) - ago_s, "problem": problem, **more}))

    def systemctl(self, *asked: str) -> str:
        if "--property=Result" in asked:
            return self.outcome
        return self.service if asked[0] == "is-active" else NEXT.removeprefix("next ")

    def look(self) -> tuple[bool, str]:
        return BackupStatus(self.systemctl, self.result, self.config, self.timer).look()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """The node."""
    return Node(tmp_path)


def test_the_schedule_is_the_timers(node: Node) -> None:
    assert schedule_of(node.timer) == node.schedule
    assert schedule_of(node.timer.with_name("none")) == ""


def test_a_recent_one_is_good_and_the_result_of_an_earlier_version_is_read(node: Node) -> None:
    node.ran(20 * HOUR)
    assert node.look() == (True, f"good (20 h ago), {NEXT}")


def test_one_that_left_a_file_out_is_good_and_says_so(node: Node) -> None:
    node.ran(HOUR, warning="1 files could not be read: x")
    assert node.look() == (True, f"good, but 1 files could not be read: x (60 min ago), {NEXT}")


def test_one_is_late_when_it_was_due_twice_since(node: Node) -> None:
    node.ran(35 * HOUR)
    assert node.look() == (True, f"good (35 h ago), {NEXT}")
    node.ran(38 * HOUR)
    good, said = node.look()
    assert not good
    assert said == f"LATE: the last was good (38 h ago), and two were due since: see journalctl -u jupyterhub-backup, {NEXT}"


def test_a_new_schedule_or_repository_is_given_its_time(node: Node) -> None:
    node.ran(30 * DAY)
    node.configured(HOUR)
    assert node.look()[0]


def test_a_first_one_that_was_due_and_is_missing_is_not_well(node: Node) -> None:
    node.configured(0)
    assert node.look() == (True, f"none yet, {NEXT}")
    node.configured(14 * HOUR)
    assert node.look() == (False, f"NONE YET, though one was due: see journalctl -u jupyterhub-backup, {NEXT}")


def test_a_first_one_may_take_long_but_not_for_ever(node: Node) -> None:
    node.service = "activating"
    node.configured(35 * HOUR)
    assert node.look()[0]
    node.configured(38 * HOUR)
    assert not node.look()[0]


def test_a_failed_one_shows_its_reason_and_a_killed_one_where_to_look(node: Node) -> None:
    node.ran(0, "restic backup failed: Fatal: disk full")
    assert node.look() == (False, f"FAILED: restic backup failed: Fatal: disk full (0 min ago), {NEXT}")
    node.ran(0)
    node.service = "failed"
    assert node.look() == (False, f"FAILED: see journalctl -u jupyterhub-backup (0 min ago), {NEXT}")
    node.result.unlink()
    assert node.look() == (False, f"FAILED: see journalctl -u jupyterhub-backup, {NEXT}")


def test_one_that_was_ended_by_its_time_limit_says_so(node: Node) -> None:
    node.ran(20 * HOUR)
    node.service, node.outcome = "failed", "timeout"
    good, said = node.look()
    assert not good
    assert said.startswith("FAILED: not done within 20 h, and ended; the next one goes on from there: see journalctl")


def test_a_repository_that_is_not_checked_for_weeks_is_not_well(node: Node) -> None:
    node.configured(40 * DAY)
    node.ran(HOUR, checked=int(time.time()) - 6 * DAY)
    assert node.look() == (True, f"good (60 min ago), repository checked 144 h ago, {NEXT}")
    node.ran(HOUR, checked=int(time.time()) - 16 * DAY)
    good, said = node.look()
    assert not good
    assert "the repository was NOT CHECKED since 384 h ago: sudo jupyterhub-storage backup" in said


def test_a_repository_that_was_never_checked_has_its_time_from_when_it_was_configured(node: Node) -> None:
    node.ran(HOUR, checked=0)
    assert node.look()[0]
    node.configured(16 * DAY)
    assert not node.look()[0]
