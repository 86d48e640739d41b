"""lab/engine.sh against a real dockerd, on a machine of its own made of namespaces: nothing of this machine is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = Path(__file__).with_name("engine_rounds.sh")
NEEDED = ("dockerd", "iptables", "nft", "unshare", "ip")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or any(shutil.which(program) is None for program in NEEDED),
    reason=f"needs root and {', '.join(NEEDED)}",
)


def rounds(folder: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """What the rounds printed, and the facts of the machine while the engine ran."""
    checkout, work = folder / "checkout", folder / "work"
    (checkout / "lab").mkdir(parents=True)
    work.mkdir()
    shutil.copy(ROOT / "lab" / "engine.sh", checkout / "lab")
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", str(ROUNDS), str(checkout), str(work)],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    during = work / "during"
    return done, during.read_text() if during.exists() else ""


@pytest.mark.parametrize("killed", ["", "yes"], ids=["running", "killed before"])
def test_stop_leaves_the_machine_as_start_found_it(tmp_path: Path, killed: str) -> None:
    done, during = rounds(tmp_path, KILL=killed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "link docker0" in during and "DOCKER-USER" in during and "process dockerd" in during
    assert "using the engine that runs" in done.stderr
    assert "started by the lab (dockerd)" in done.stdout
    assert "nothing to stop" in done.stderr
