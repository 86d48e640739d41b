"""`make test` and the lab's engine install packages whose services must not start meanwhile, and only meanwhile."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tools.graph import ROOT

SCRIPTS = {"tools/test.sh": [], "lab/engine.sh": ["start"]}
TOOLS = (
    "bash",
    "cat",
    "chmod",
    "cut",
    "dirname",
    "flock",
    "grep",
    "mkdir",
    "rm",
    "tail",
    "timeout",
    "touch",
    "kill",
    "printf",
    "sh",
)


class Machine:
    """One without any of the packages, whose apt-get runs a shell line, and where `/usr/sbin/policy-rc.d` is `policy`."""

    def __init__(self, folder: Path) -> None:
        self._root, self.policy = folder, folder / "policy-rc.d"
        for script in (*SCRIPTS, "tools/services_off.sh"):
            (folder / script).parent.mkdir(exist_ok=True)
            text = (ROOT / script).read_text()
            for place, own in {"/usr/sbin/policy-rc.d": self.policy, "/etc/cloud": folder / "cloud"}.items():
                text = text.replace(place, str(own))
            (folder / script).write_text(text)
        (folder / "bin").mkdir()
        for tool in TOOLS:
            (folder / "bin" / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self._program("id", "echo 0")
        self._program("docker", "exit 1")

    def run(self, script: str, apt_get: str) -> int:
        """Its exit status; apt-get sees the process that started it as PPID."""
        self._program("apt-get", apt_get)
        line = ["bash", str(self._root / script), *SCRIPTS[script]]
        return subprocess.run(
            line, env={"PATH": str(self._root / "bin")}, capture_output=True, timeout=60, check=False
        ).returncode

    def _program(self, name: str, line: str) -> None:
        file = self._root / "bin" / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("ends", ["exit 1", "kill -TERM $PPID; sleep 1", "kill -INT $PPID; kill -TERM $PPID"])
def test_services_may_start_again_however_the_installation_ends(machine: Machine, script: str, ends: str) -> None:
    forbidden = machine.policy.with_name("forbidden")
    assert machine.run(script, f"[ -x {machine.policy} ] && : >{forbidden}; {ends}") != 0
    assert forbidden.exists()
    assert not machine.policy.exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_killed_run_has_left_goes_with_the_next(machine: Machine, script: str) -> None:
    assert machine.run(script, "kill -KILL $PPID") == -signal.SIGKILL
    assert machine.policy.exists()
    machine.run("tools/test.sh", "exit 1")
    assert not machine.policy.exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_machines_own_policy_stays(machine: Machine, script: str) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 0\n")
    machine.run(script, "exit 1")
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"
