"""tools/storage.py: by which way `make users` and `make restore` reach the node that holds the homes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.hub.home_names import home_of
from services.hub.home_volumes import home_volume
from tools import storage
from tools.graph import ROOT

MANAGER = {"name": "manager-0", "role": "manager", "address": "10.20.0.10"}
SERVER = {"name": "storage-0", "role": "storage", "address": "10.20.0.9"}


def stack(*nodes: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Outputs of a stack with these nodes."""
    found = {"ssh": "ssh -i '/keys/my key' debian@192.0.2.10", "nodes": list(nodes), "volumes": {"state": "a", "homes": "b"}}
    return {**found, **changes}


def test_homes_of_the_manager_are_reached_by_its_own_address() -> None:
    way = storage.ssh_way(stack(MANAGER))
    assert way[-3:] == ["-i", "/keys/my key", "debian@192.0.2.10"]
    assert "BatchMode=yes" in way


def test_a_storage_server_is_reached_through_the_manager_with_the_same_key() -> None:
    way = storage.ssh_way(stack(MANAGER, SERVER))
    assert way[-3:] == ["-i", "/keys/my key", "debian@10.20.0.9"]
    (proxy,) = (part for part in way if part.startswith("ProxyCommand="))
    command = shlex.split(proxy.removeprefix("ProxyCommand="))
    assert command[-5:] == ["-i", "/keys/my key", "-W", "%h:%p", "debian@192.0.2.10"]
    assert "StrictHostKeyChecking=no" in command


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pulumi that prints the file `outputs`, and an ssh that keeps its arguments in `asked` and its HOME in `home`."""
    bodies = {
        "pulumi": f"cat {tmp_path}/outputs 2>/dev/null || {{ echo 'no stack named dev' >&2; exit 255; }}",
        "ssh": f'printf "%s\\n" "$@" >{tmp_path}/asked; echo "$HOME" >{tmp_path}/home; exit 7',
    }
    for name, body in bodies.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a target as a person does, on a stack that is not the lab's."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), "STACK=prod", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_make_restore_hands_on_the_user_and_what_was_asked_for(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs / "outputs").write_text(json.dumps(stack(MANAGER)))
    assert make("restore", "HOME=o'hara @x", "SNAPSHOT=ab12", "IN_PLACE=yes", "NEWER=yes", "SURE=yes").returncode != 0
    line = (programs / "asked").read_text().splitlines()[-1]
    options = ["--snapshot", "ab12", "--in-place", "--newer", "--sure"]
    assert shlex.split(line) == ["sudo", "jupyterhub-storage", "restore", *options, "--", "o'hara @x"]
    assert "hara" not in (programs / "home").read_text()


DOCKER = """#!/bin/sh
case "$2" in
  ls) echo one; echo two ;;
  inspect) printf 'jupyterhub-home-%s\\njupyterhub-shared-01234567\\n' ada-01234567 "o'hara-b-89abcdef" ;;
esac
"""


def test_a_restore_in_place_is_told_whose_servers_run(programs: Path) -> None:
    """What the manager is asked is run here, by a shell, with a swarm that only plays."""
    (programs / "outputs").write_text(json.dumps(stack(MANAGER)))
    (programs / "docker").write_text(DOCKER)
    (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "jupyterhub-storage").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{programs}/asked\n')
    (programs / "ssh").write_text('#!/bin/bash\nfor line; do :; done\nexec bash -c "$line"\n')
    for name in ("docker", "sudo", "jupyterhub-storage"):
        (programs / name).chmod(0o755)
    assert make("restore", "HOME=ada", "IN_PLACE=yes").returncode == 0
    assert (programs / "asked").read_text().splitlines()[1:3] == ['--servers=["ada", "o\'hara-b"]', "--in-place"]
    (programs / "docker").write_text("#!/bin/sh\nexit 1\n")
    assert make("restore", "HOME=ada", "IN_PLACE=yes").returncode == 0
    assert (programs / "asked").read_text().splitlines() == ["restore", "--in-place", "--", "ada"]


def test_what_a_server_mounts_is_known_by_its_name() -> None:
    match = storage.HOME.fullmatch(home_volume("10.20.0.10", home_of("Ada L. <ada@example.org>")).name)
    assert match is not None
    assert match[1] == home_of("Ada L. <ada@example.org>")


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (["snapshots"], ["snapshots"]),
        (["backup-accept"], ["backup", "accept"]),
        (["backup-adopt", "SNAPSHOT=ab12"], ["backup", "adopt", "ab12"]),
    ],
)
def test_the_backups_own_targets_reach_the_node(programs: Path, target: list[str], asked: list[str]) -> None:
    (programs / "outputs").write_text(json.dumps(stack(MANAGER)))
    make(*target)
    assert (programs / "asked").read_text().splitlines()[-1] == shlex.join(["sudo", "jupyterhub-storage", *asked])


def test_make_restore_without_a_user_does_nothing(programs: Path) -> None:
    done = make("restore")
    assert done.returncode != 0
    assert "make restore HOME=<user>" in done.stderr
    assert not (programs / "asked").exists()


def test_make_users_passes_on_how_it_went(programs: Path) -> None:
    (programs / "outputs").write_text(json.dumps(stack(MANAGER)))
    done = make("users")
    assert "Error 7" in done.stderr
    assert (programs / "asked").read_text().splitlines()[-1] == "sudo jupyterhub-storage users"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "the stack prod cannot be read: no stack named dev"),
        ({}, "the stack prod is not up"),
        (stack(MANAGER, volumes={"state": "a"}), "the stack prod has no lasting homes (storage: none)"),
    ],
)
def test_a_stack_without_homes_is_told_as_such(programs: Path, found: dict[str, Any] | None, reason: str) -> None:
    if found is not None:
        (programs / "outputs").write_text(json.dumps(found))
    done = make("users")
    assert f"users: {reason}" in done.stderr
    assert done.returncode != 0
