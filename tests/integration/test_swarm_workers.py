"""How a worker comes into a swarm and leaves it, on real engines: by its id, waited for by what really runs on it."""

from __future__ import annotations

import re
import subprocess
import threading

import pytest

from components import swarm_commands
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND
from tests.integration.swarm_machines import BEGIN, SERVICE, Pair, wait_until

pytest_plugins = ("tests.integration.swarm_machines",)
# Ends eight seconds after it is told to, as a program does that has much to write.
SLOW = ["sh", "-c", "trap 'sleep 8; exit' TERM; sleep 1000 & wait"]
DOCKER_WAITS = 20  # seconds, for a join
ON_WORKERS = ("--constraint", "node.role==worker", "--restart-condition", "none")


def admitted(pair: Pair) -> str:
    """The id of the worker, which has come by the stack's own lines."""
    pair.manager.shell(BEGIN)
    node = pair.join()
    assert pair.nodes()[node] == ("worker-0", "Ready", "Drain")
    assert pair.manager.shell(swarm_commands.admit(node, "worker-0", "first")) == node
    assert pair.nodes()[node] == ("worker-0", "Ready", "Active")
    return node


def test_a_worker_that_leaves_is_waited_for_until_its_last_program_has_ended(pair: Pair) -> None:
    node = admitted(pair)
    pair.manager.docker(*SERVICE, "--name", "notebook", "--stop-grace-period", "60s", *ON_WORKERS, IMAGE, *SLOW)
    wait_until("the notebook to run", lambda: pair.worker.docker("ps", "--quiet") != "")
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "first"))
    assert pair.worker.docker("ps", "--quiet") == ""
    assert node not in pair.nodes()
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "first"))  # an `up` that was interrupted right after it


def test_a_program_that_does_not_end_keeps_its_worker_and_is_named(pair: Pair) -> None:
    node = admitted(pair)
    pair.manager.docker(*SERVICE, "--name", "notebook", "--stop-grace-period", "600s", *ON_WORKERS, IMAGE, *SLOW)
    wait_until("the notebook to run", lambda: pair.worker.docker("ps", "--quiet") != "")
    with pytest.raises(AssertionError, match=r"worker-0 still runs after 2 s: notebook\.1"):
        pair.manager.shell(swarm_commands.remove(node, "worker-0", "first", 2))
    assert pair.nodes()[node] == ("worker-0", "Ready", "Drain")
    # Who has changed their mind gets it back.
    pair.manager.shell(swarm_commands.admit(node, "worker-0", "second"))
    assert pair.nodes()[node] == ("worker-0", "Ready", "Active")


def test_a_worker_that_is_off_is_not_waited_for(pair: Pair) -> None:
    node = admitted(pair)
    pair.manager.docker(*SERVICE, "--name", "notebook", *ON_WORKERS, IMAGE, *WAIT_COMMAND)
    wait_until("the notebook to run", lambda: pair.worker.docker("ps", "--quiet") != "")
    pair.worker.switch_off()
    wait_until("the worker to be down", lambda: pair.nodes()[node][1] == "Down")
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "first", 5))
    assert node not in pair.nodes()


def test_who_removes_a_worker_that_another_has_admitted_since_does_nothing(pair: Pair) -> None:
    node = admitted(pair)
    pair.manager.shell(swarm_commands.admit(node, "worker-0", "second"))
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "first"))
    assert pair.nodes()[node] == ("worker-0", "Ready", "Active")


def test_a_join_that_takes_longer_than_docker_waits_is_one_join(pair: Pair) -> None:
    swarm, request = pair.manager.shell(BEGIN), pair.request()
    joined: list[str] = []
    joining = threading.Thread(target=lambda: joined.append(pair.worker.shell(swarm_commands.join(swarm), request)))
    with pair.manager.standing_still():
        joining.start()
        joining.join(DOCKER_WAITS + 3)
        assert pair.worker.info("LocalNodeState") == "pending"
    joining.join()
    (node,) = joined
    assert [of for of, (name, _, _) in pair.nodes().items() if name == "worker-0"] == [node]
    assert pair.worker.shell(swarm_commands.join(swarm), request) == node  # the next `up`, or one after an interruption
    assert pair.manager.shell(swarm_commands.admit(node, "worker-0", "first")) == node


def test_a_join_that_does_not_reach_the_manager_says_so_and_keeps_the_token_to_itself(pair: Pair) -> None:
    swarm, request = pair.manager.shell(BEGIN), pair.request()
    cable = ["nsenter", f"--target={pair.manager.body.pid}", "--net", "ip", "link", "set", "to-worker"]
    subprocess.run([*cable, "down"], check=True)
    with pytest.raises(AssertionError, match=r"This node has not joined the swarm within 2 s \(state: pending\)") as failed:
        pair.worker.shell(swarm_commands.join(swarm, 2), request)
    assert "SWMTKN" not in str(failed.value)
    subprocess.run([*cable, "up"], check=True)
    assert pair.worker.shell(swarm_commands.join(swarm), request) in pair.nodes()


def test_nodes_of_its_name_that_are_gone_are_in_nobodys_way(pair: Pair) -> None:
    first = admitted(pair)
    label = f"docker node inspect {first} --format '{{{{.Spec.Labels}}}}'"
    pair.manager.shell(swarm_commands.add_labels(first, ["gpu=a100"]))
    assert "gpu:a100" in pair.manager.shell(label)
    pair.worker.docker("swarm", "leave", "--force")
    second = pair.join()
    assert len([name for name, _, _ in pair.nodes().values() if name == "worker-0"]) == 2
    pair.manager.shell(swarm_commands.add_labels(second, ["gpu=a100"]))
    pair.manager.shell(swarm_commands.keep_admitted(second, "worker-0", "first"))
    assert {node: row for node, row in pair.nodes().items() if row[0] == "worker-0"} == {second: ("worker-0", "Ready", "Active")}
    # What an interrupted `up` deletes of the first one concerns the first one alone.
    pair.manager.shell(swarm_commands.remove_labels(first, ["gpu=a100"]))
    pair.manager.shell(swarm_commands.remove(first, "worker-0", "first"))
    assert pair.nodes()[second] == ("worker-0", "Ready", "Active")
    assert "gpu:a100" in pair.manager.shell(label.replace(first, second))


def test_a_worker_that_was_drained_by_hand_is_drained_after_it_has_joined_anew(pair: Pair) -> None:
    first = admitted(pair)
    pair.manager.docker("node", "update", "--availability", "drain", first)
    pair.worker.docker("swarm", "leave", "--force")
    second = pair.join()
    pair.manager.shell(swarm_commands.keep_admitted(second, "worker-0", "first"))
    assert pair.nodes()[second] == ("worker-0", "Ready", "Drain")


def test_a_worker_of_another_swarm_leaves_that_one(pair: Pair) -> None:
    pair.worker.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    assert admitted(pair) == pair.worker.info("NodeID")


def test_a_worker_that_was_struck_off_while_its_machine_stayed_is_told_with_the_way_on(pair: Pair) -> None:
    node = admitted(pair)
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "first"))
    way_on = re.escape("pulumi up --replace '**::machines-worker-0'")
    with pytest.raises(AssertionError, match=rf"worker-0 \({node}\) was struck off the swarm(.|\n)*{way_on}"):
        pair.manager.shell(swarm_commands.admit(node, "worker-0", "first"))
    with pytest.raises(AssertionError, match="! worker-0 is not in the swarm"):
        pair.manager.shell(swarm_commands.status(["manager-0", "worker-0"]))
