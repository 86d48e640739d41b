"""What `make e2e` prints and reads: the table, its last line, and the changes of an `up`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.report import Result, read_junit, table
from tests.e2e.running_up import RunningUp, StackError
from tests.e2e.waiting import WaitedTooLongError, wait_for

URN = "urn:pulumi:dev::jupyterhub-swarm::"
EVENTS: list[dict[str, object]] = [
    {"resourcePreEvent": {"metadata": {"op": "same", "urn": f"{URN}a:b:C::machines-worker-0"}}},
    {"resourcePreEvent": {"metadata": {"op": "update", "urn": f"{URN}pulumi:providers:openstack::default_5_5_1"}}},
    {"resourcePreEvent": {"metadata": {"op": "create", "urn": f"{URN}a:b:C$d:e:F::machines-worker-1"}}},
    {"resourcePreEvent": {"metadata": {"op": "create", "urn": f"{URN}a:b:C$d:e:F::workers-worker-1-ready"}}},
    {"summaryEvent": {"resourceChanges": {"create": 2, "same": 1}}},
]
# Writes the events of an `up` to the file in argv, then waits to be interrupted, as pulumi would during a long step.
ENGINE = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
pathlib.Path(sys.argv[1]).write_text(sys.argv[2])
print("the engine runs", flush=True)
time.sleep(float(sys.argv[3]))
"""


def run_engine(folder: Path, seconds: float, events: list[dict[str, object]] | None = None) -> RunningUp:
    text = "".join(f"{json.dumps(event)}\n" for event in (EVENTS if events is None else events))
    log, path = folder / "up.log", folder / "events.json"
    return RunningUp([sys.executable, "-c", ENGINE, str(path), text, str(seconds)], folder, {}, log, path)


def test_the_changes_of_an_up_leave_out_what_stays_and_default_providers(tmp_path: Path) -> None:
    running = run_engine(tmp_path, 0)
    assert running.wait(30) == 0
    changes = running.changes()
    assert changes.counts == {"create": 2, "same": 1}
    assert changes.names == {"create": ("machines-worker-1", "workers-worker-1-ready")}
    assert not (tmp_path / "events.json").exists(), "the events have values in plain and must not stay"


def test_an_up_without_a_summary_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    running = run_engine(tmp_path, 0, events=EVENTS[:-1])
    running.wait(30)
    with pytest.raises(StackError, match="the engine runs"):
        running.changes()


def test_an_up_is_interrupted_at_the_step_that_was_waited_for(tmp_path: Path) -> None:
    running = run_engine(tmp_path, 60)
    running.wait_for_step("create", "workers-worker-1-ready", 30)
    assert running.interrupt() == 7


def test_an_up_that_takes_too_long_is_interrupted(tmp_path: Path) -> None:
    running = run_engine(tmp_path, 60)
    running.wait_for_step("create", "machines-worker-1", 30)
    with pytest.raises(StackError, match="not done after 0 s"):
        running.wait(0.1)
    assert running.status in (7, -signal.SIGINT)


def test_an_up_that_ends_before_the_step_says_so(tmp_path: Path) -> None:
    running = run_engine(tmp_path, 0)
    with pytest.raises(StackError, match="ended before it could create nothing-of-that-name"):
        running.wait_for_step("create", "nothing-of-that-name", 30)


def test_the_last_line_counts_and_a_skipped_test_has_failed(tmp_path: Path) -> None:
    junit = tmp_path / "core.xml"
    junit.write_text(
        '<testsuites><testsuite><testcase name="good" time="1.5"/>'
        '<testcase name="bad" time="2"><failure message="assert 1 == 2&#10;more">text</failure></testcase>'
        '<testcase name="broken" time="0"><error message="no lab">text</error></testcase>'
        '<testcase name="lazy" time="0"><skipped message="not today"/></testcase></testsuite></testsuites>'
    )
    results = read_junit("core", junit)
    assert [(result.name, result.passed) for result in results] == [
        ("good", True), ("bad", False), ("broken", False), ("lazy", False)
    ]  # fmt: skip
    printed = table(results).splitlines()
    assert printed[-1] == "1 passed, 3 failed"
    assert "failure: assert 1 == 2" in printed[2]
    assert table([]).splitlines()[-1] == "0 passed, 0 failed"
    assert "1.5" in table([Result(suite="core", name="good", seconds=1.54, passed=True)])


def test_waiting_too_long_tells_what_was_seen_last() -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(WaitedTooLongError, match=r"waited 0 s for the hub; seen last: ConnectionRefusedError: nobody listens"):
        wait_for("the hub", refuse, limit_s=0)
