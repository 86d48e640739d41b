"""The end-to-end runner around its suites: what it says when the lab is not well, and what an interrupt does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The runner as it is, with a deployment that only says what is asked of it, and a suite of one short and one long test.
RUNNER = """
import contextlib, os, sys
from pathlib import Path
from tests.e2e import run
folder = Path(sys.argv.pop(1))
class Deployment:
    def __init__(self, artefacts): print("deployment", flush=True)
    def remove_users(self): print("users removed", flush=True)
def check(deployment):
    if os.environ["HEALTHY"] == "no": raise AssertionError("it is not well. Run `make up`.")
    print("checked", flush=True)
run.FOLDER, run.Deployment, run.check = folder, Deployment, check
run.restore = lambda deployment: print("restored", flush=True)
run.lock = lambda wanted: contextlib.nullcontext()
run.suites = lambda: {"toy": folder / "test_toy.py"}
sys.exit(run.main())
"""
TOY = """
import time
def test_short(): pass
def test_long():
    print("the long test began", flush=True)
    time.sleep({seconds})
"""


def start(folder: Path, seconds: float, healthy: str = "yes") -> subprocess.Popen[str]:
    folder.joinpath("test_toy.py").write_text(TOY.format(seconds=seconds))
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HEALTHY": healthy},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_suite_is_checked_run_restored_and_counted(tmp_path: Path) -> None:
    running = start(tmp_path, 0)
    lines = running.communicate(timeout=60)[0].splitlines()
    assert running.returncode == 0
    assert lines[-1] == "2 passed, 0 failed"
    assert [line for line in lines if line in ("deployment", "checked", "users removed", "restored")] == [
        "deployment", "checked", "users removed", "restored", "checked"
    ]  # fmt: skip
    assert (tmp_path / "toy.xml").is_file()
    assert "test_short" in (tmp_path / "toy" / "pytest.log").read_text()


def test_a_lab_that_is_not_well_fails_the_suite_with_the_remedy(tmp_path: Path) -> None:
    running = start(tmp_path, 0, healthy="no")
    output = running.communicate(timeout=60)[0]
    assert running.returncode == 1
    assert "Run `make up`." in output
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_an_interrupt_ends_the_suite_and_still_restores(tmp_path: Path) -> None:
    running, log, until = start(tmp_path, 120), tmp_path / "toy" / "pytest.log", time.monotonic() + 60
    while not (log.is_file() and "test_short PASSED" in log.read_text()):
        if time.monotonic() > until:
            running.terminate()  # passed on to the suite, as SIGINT is
            pytest.fail(f"the suite did not begin: {running.communicate()[0]}")
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    lines = running.communicate(timeout=60)[0].splitlines()
    assert running.returncode == 1
    assert "restored" in lines
    assert any("ran to its end" in line and "interrupted" in line for line in lines)
    assert lines[-1].endswith(" failed") and not lines[-1].endswith(" 0 failed")
