"""The scripts of `swarm/` as nodes get them. What they do, the tests of real swarms show (tests/integration/test_swarm*.py)."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable

import pytest

from components import swarm_commands
from tests.unit.fake_host import FakeHost
from tests.unit.graphs import Graph

TOKEN = "SWMTKN-1-not-for-anyone"
SCRIPTS = {
    "begin": swarm_commands.begin("10.20.0.10", "10.200.0.0/16"),
    "certificates": swarm_commands.certificates(),
    "join": swarm_commands.join("abc123"),
    "admit": swarm_commands.admit("node-1", "worker-0", "owner"),
    "keep_admitted": swarm_commands.keep_admitted("node-1", "worker-0", "owner"),
    "remove": swarm_commands.remove("node-1", "worker 0; reboot", "owner"),
    "status": swarm_commands.status(["manager-0", "worker-0"]),
}
LINES = {
    "worker_token": swarm_commands.worker_token(),
    "add_labels": swarm_commands.add_labels("node-1", ["gpu=a100", "disk=fast"]),
    "remove_labels": swarm_commands.remove_labels("node-1", ["gpu=a100", "disk=fast"]),
}
# A docker of a node that is in no swarm until it has joined.
DOCKER = """
case "$*" in
  *LocalNodeState*) [ -e joined ] && echo active || echo inactive ;;
  *DockerRootDir*) echo /nowhere ;;
  *NodeID*) echo node-1 ;;
esac
"""


@pytest.mark.parametrize("name", [*SCRIPTS, *LINES])
def test_every_line_is_correct_shell(name: str) -> None:
    line = {**SCRIPTS, **LINES}[name]
    texts = [line, *([shlex.split(line)[2]] if name in SCRIPTS else [])]
    for text in texts:
        checked = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_every_line_of_the_module_is_checked_here() -> None:
    made = {name for name, value in vars(swarm_commands).items() if getattr(value, "__module__", "") == swarm_commands.__name__}
    assert {name for name in made if not name.startswith("_")} == {*SCRIPTS, *LINES, "join_request"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_comes_in_one_piece_and_without_comments(name: str) -> None:
    shell, option, text, *_ = shlex.split(SCRIPTS[name])
    assert (shell, option) == ("bash", "-c")
    assert "swarm() {" in text
    assert not any(line.lstrip().startswith(("#", ". ")) for line in text.splitlines())


def test_a_name_with_blanks_stays_one_word() -> None:
    assert shlex.split(SCRIPTS["remove"])[3:] == ["remove", "node-1", "worker 0; reboot", "owner", "300"]


def test_labels_are_put_on_and_taken_off_by_the_nodes_id() -> None:
    assert LINES["add_labels"] == "docker node update --label-add gpu=a100 --label-add disk=fast node-1"
    assert LINES["remove_labels"] == (
        "docker node inspect node-1 >/dev/null 2>&1 || exit 0; "
        'for key in gpu disk; do docker node update --label-rm "$key" node-1 >/dev/null 2>&1 || true; done'
    )


def test_a_worker_asks_to_join_drained() -> None:
    assert json.loads(swarm_commands.join_request("10.20.0.10", "10.20.0.11", TOKEN)) == {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": "10.20.0.11",
        "RemoteAddrs": ["10.20.0.10:2377"],
        "JoinToken": TOKEN,
        "Availability": "drain",
    }


def test_the_token_is_in_no_argument(host: FakeHost) -> None:
    host.program("docker", DOCKER)
    host.program("curl", "cat >request; touch joined")
    host.program("sudo", "echo subject=CN=node-1,OU=swarm-worker,O=abc123")
    request = swarm_commands.join_request("10.20.0.10", "10.20.0.11", TOKEN)
    done = host.run(SCRIPTS["join"], stdin=request)
    assert (done.returncode, done.stdout) == (0, "node-1\n")
    assert (host.folder / "request").read_text() == request
    assert len(host.calls("curl")) == 1
    assert not any(TOKEN in call for call in host.calls())


def test_a_refused_join_is_a_failure_that_says_why_without_the_token(host: FakeHost) -> None:
    host.program("docker", DOCKER)
    host.program("curl", 'cat >/dev/null; echo \'{"message":"invalid join token"}\'; exit 22')
    done = host.run(SCRIPTS["join"], stdin=swarm_commands.join_request("10.20.0.10", "10.20.0.11", TOKEN))
    assert done.returncode == 1
    assert "invalid join token" in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_a_worker_is_known_to_the_manager_by_the_id_that_its_join_prints(graph_of: Callable[..., Graph]) -> None:
    graph = graph_of(workers="2", workerLabels='{"worker-1": "gpu=a100"}')
    for worker in ("worker-0", "worker-1"):
        active = graph[f"workers-{worker}-active"].inputs
        for step in ("create", "update", "delete"):
            assert shlex.split(active[step])[4:7] == [f"workers-{worker}-join-stdout", worker, f"workers-{worker}-join-id"]
        # Others would replace it in a stack of before, and what that has kept deletes a worker by its name.
        assert active["triggers"] == [f"machines-{worker}-id", f"workers-{worker}-join-id"]
    assert graph["workers-worker-1-labels"].inputs["create"].endswith(" workers-worker-1-join-stdout")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_certificates_change_when_no_worker_is_about_to_join(graph_of: Callable[..., Graph], workers: str) -> None:
    graph = graph_of(workers=workers)
    admitted = {f"workers-worker-{number}-active" for number in range(int(workers))}
    assert admitted <= set(graph["workers-certificates"].depends_on)
    for number in range(int(workers)):  # the token of each is asked for when its machine is there
        assert f"workers-worker-{number}-ready" in graph[f"workers-worker-{number}-token"].depends_on
