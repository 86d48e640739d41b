"""`python -m tests.e2e.run [SUITE...]`: the end-to-end tests, by suites; without a name, all of them.

A suite is a module or package tests/e2e/test_<suite>. Each starts from a healthy `make up` and leaves it healthy, also when
it fails or is interrupted. Under .build/e2e/: <suite>.xml (JUnit), <suite>/ with logs and screenshots. The last line printed
is `N passed, N failed`; the exit status is 0 only if all passed.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from lab.lab import lock
from lab.process import LabError
from tests.e2e.deployment import ARTEFACTS, Deployment
from tests.e2e.health import check, restore
from tests.e2e.report import Result, read_junit, table
from tests.e2e.stack import BUILD, ROOT

FOLDER = BUILD / "e2e"
log = logging.getLogger("e2e")


def suites() -> dict[str, Path]:
    """The suites there are, by name."""
    found = sorted(Path(__file__).parent.glob("test_*"))
    return {path.stem.removeprefix("test_"): path for path in found if path.suffix in ("", ".py")}


class Interruption:
    """Passes the first Ctrl-C (or SIGTERM) on to the running suite, so that the deployment can be restored after it."""

    def __init__(self) -> None:
        self.happened = False
        self.running: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        log.warning("interrupted: ending the suite and restoring the deployment; once more ends at once")
        if self.running is not None:
            self.running.send_signal(signal.SIGINT)


def main() -> int:
    """Run the suites and print the table. Returns the exit status."""
    every = suites()
    parser = argparse.ArgumentParser(prog="e2e", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suite", nargs="*", help=f"one or more of: {', '.join(every)}")
    wanted = parser.parse_args().suite or list(every)
    unknown = [name for name in wanted if name not in every]
    if unknown:
        parser.error(f"there is no suite {', '.join(unknown)}; the suites are: {', '.join(every)}")
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    results: list[Result] = []
    interruption = Interruption()
    try:
        with lock(True):
            for name in wanted:
                if not interruption.happened:
                    results += run_suite(name, every[name], interruption)
    except LabError as error:
        results.append(Result(suite="-", name="the lab is free for tests", seconds=0, passed=False, remark=str(error)))
    except KeyboardInterrupt:
        remark = "interrupted; `make up` brings the deployment back to its settings"
        results.append(Result(suite="-", name="restored", seconds=0, passed=False, remark=remark))
    print(f"\n{table(results)}", flush=True)
    return 0 if results and all(result.passed for result in results) else 1


def run_suite(name: str, path: Path, interruption: Interruption) -> list[Result]:
    """Check, run the suite, restore, check again. What goes wrong around the tests is a failed row of its own."""
    artefacts, junit = FOLDER / name, FOLDER / f"{name}.xml"
    shutil.rmtree(artefacts, ignore_errors=True)
    junit.unlink(missing_ok=True)
    artefacts.mkdir(parents=True)
    began = time.monotonic()
    try:
        deployment = Deployment(artefacts)
        check(deployment)
        deployment.remove_users()
    except Exception as trouble:
        return [_step(name, "healthy before the suite", began, trouble)]
    status = run_pytest(path, artefacts, junit, interruption)
    results = read_junit(name, junit) if junit.is_file() else []
    if interruption.happened or (status != 0 and all(result.passed for result in results)):
        remark = "interrupted" if interruption.happened else f"pytest ended with status {status}, see {artefacts}/pytest.log"
        results.append(Result(suite=name, name="ran to its end", seconds=0, passed=False, remark=remark))
    began = time.monotonic()
    try:
        check(restore(artefacts))
    except Exception as trouble:
        results.append(_step(name, "healthy after the suite", began, trouble))
    return results


def run_pytest(path: Path, artefacts: Path, junit: Path, interruption: Interruption) -> int:
    """Run one suite in a process and session of its own; what it prints goes to the terminal and to pytest.log."""
    command = [sys.executable, "-m", "pytest", str(path), "-v", "--tb=short", f"--junitxml={junit}"]
    command += ["-p", "no:cacheprovider", "--log-cli-level=INFO", "-o", "junit_family=xunit2", "-o", "addopts="]
    command += ["-o", "log_cli_format=[%(asctime)s] %(message)s", "-o", "log_cli_date_format=%H:%M:%S"]
    with (artefacts / "pytest.log").open("wb", buffering=0) as copy:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, ARTEFACTS: str(artefacts), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        interruption.running = process
        assert process.stdout is not None
        for line in process.stdout:
            copy.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
        interruption.running = None
        return process.wait()


def _step(suite: str, name: str, began: float, trouble: Exception) -> Result:
    log.error("%s: %s: %s", suite, name, trouble)
    return Result(
        suite=suite, name=name, seconds=time.monotonic() - began, passed=False, remark=str(trouble).replace("\n", " ")[:300]
    )


if __name__ == "__main__":
    sys.exit(main())
