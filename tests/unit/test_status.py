"""`make status`: asks the manager how the front door is, and the node with the homes how they are."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.commands import door_status
from components.storage_commands import hub_homes_status, state_status
from components.swarm_commands import status as swarm_status
from tests.unit.test_storage_ssh import MANAGER, SERVER, stack
from tools.graph import ROOT

WORKER = {"name": "worker-0", "role": "worker", "address": "10.20.0.11"}


def status(folder: Path, found: dict[str, Any], ssh: str) -> subprocess.CompletedProcess[str]:
    """Run it against a stack with these outputs and an ssh with this script."""
    (folder / "outputs").write_text(json.dumps(found))
    for name, body in {
        "pulumi": f"cat {folder}/outputs",
        "ssh": f'for line; do :; done\nprintf "%s\\0" "$line" >>{folder}/asked\n{ssh}',
    }.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["make", "--no-print-directory", "-C", str(ROOT), "STACK=prod", "status"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def asked(folder: Path) -> list[str]:
    """The lines that the nodes were sent."""
    return (folder / "asked").read_text().split("\0")[:-1]


def test_it_asks_for_the_swarm_the_front_door_the_state_volume_and_the_homes(tmp_path: Path) -> None:
    done = status(tmp_path, stack(MANAGER, WORKER, SERVER), "echo fine")
    assert done.returncode == 0
    lines = ["swarm                fine", "front door           fine", "fine", "homes at the hub     fine", "fine"]
    assert done.stdout.splitlines() == lines
    swarm = swarm_status(["manager-0", "worker-0"])
    homes = "sudo jupyterhub-storage status manager-0 worker-0"
    assert asked(tmp_path) == [swarm, door_status(), state_status(), hub_homes_status(), homes]


@pytest.mark.parametrize("ill", ["docker swarm", "docker exec", "registry_room", "hub-homes.sh", "jupyterhub-storage status"])
def test_it_fails_where_one_of_them_is_not_well_and_asks_the_others_all_the_same(tmp_path: Path, ill: str) -> None:
    done = status(tmp_path, stack(MANAGER), f'[[ "$line" != *"{ill}"* ]]')
    assert done.returncode != 0
    assert len(asked(tmp_path)) == 5


def test_a_node_with_the_homes_that_is_away_is_told(tmp_path: Path) -> None:
    done = status(tmp_path, stack(MANAGER, SERVER), 'case "$line" in *storage\\ status*) exit 255 ;; esac; echo fine')
    assert done.stdout.splitlines()[4:] == ["homes                ! not known: the node that holds them does not answer"]
    assert done.returncode != 0


def test_without_lasting_homes_it_asks_the_manager_alone(tmp_path: Path) -> None:
    done = status(tmp_path, stack(MANAGER, volumes={"state": "a"}), "echo fine")
    assert done.returncode == 0
    lines = ["swarm                fine", "front door           fine", "fine", "homes                temporary (storage: none)"]
    assert done.stdout.splitlines() == lines


def test_a_manager_that_does_not_answer_is_not_well(tmp_path: Path) -> None:
    done = status(tmp_path, stack(MANAGER, volumes={"state": "a"}), "exit 255")
    assert done.stdout.startswith("swarm                ! not known\n")
    assert done.returncode != 0
