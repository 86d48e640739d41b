"""services/hub/start_errors.py and node_room.py: what a user reads, for what Swarm, the engine and the log said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hub.node_room import rooms
from services.hub.start_errors import Failure, Need, StartError, explain, no_room
from tests.unit.fake_swarm import node, task

GIB = 1024**3
FAILED = Failure(
    state="failed",
    said="task: non-zero exit (1)",
    node="worker-1",
    node_is_up=True,
    image="example/lab:7",
    memory_limit=GIB,
    log=(),
)
NEED = Need(memory=GIB, cpus=0.5, gpus=0, constraints=("node.role==worker",))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("No such image: example/lab:7", "The image example/lab:7 is not on worker-1 and could not be pulled"),
        ("pull access denied for example/lab, repository does not exist", "is not on worker-1 and could not be pulled"),
        ("no matching manifest for linux/arm64 in the manifest list entries", "for another kind of processor than worker-1"),
        ("image with reference x was found but does not match the specified platform", "another kind of processor"),
        (
            'starting container failed: error while mounting volume "/var/lib/docker/volumes/x/_data": '
            "failed to mount local volume: mount :/srv/homes/users/ada: connection refused",
            "worker-1 could not mount your files: the storage of the homes does not answer",
        ),
        ("task: non-zero exit (137)", "it may have used more than its 1.0 GiB of memory; else somebody or something on worker-1"),
        ("task: non-zero exit (127)", "must have the program jupyterhub-singleuser"),
        (
            'OCI runtime create failed: exec: "jupyterhub-singleuser": executable file not found in $PATH',
            "cannot start a notebook server",
        ),
        ("task: non-zero exit (1)", "Your server ended on worker-1 while it started: task: non-zero exit (1)"),
    ],
)
def test_a_failure_is_told_by_its_cause(said: str, told: str) -> None:
    assert told in str(explain(replace(FAILED, said=said)))


def test_a_foreign_image_is_known_by_the_log_of_its_start() -> None:
    failure = replace(FAILED, log=("exec /usr/bin/tini: exec format error",))
    assert "another kind of processor" in str(explain(failure))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"said": "task: non-zero exit (137): dockerexec: unhealthy container"}, "since a health check failed"),
        ({"said": "shutdown", "state": "shutdown"}, "was told to end on worker-1"),
        ({"said": "task: non-zero exit (1)", "log": ("job 137 of OOM fame",)}, "ended on worker-1 while it started"),
        ({"said": "task: non-zero exit (137)", "memory_limit": 0}, "more memory than there was"),
    ],
)
def test_a_memory_kill_is_told_only_where_it_may_have_been_one(changes: dict[str, object], told: str) -> None:
    text = str(explain(replace(FAILED, **changes)))  # type: ignore[arg-type]
    assert told in text
    assert ("GiB of memory" in text) == ("more than its" in told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Running as root is not recommended. Use --allow-root to bypass.", "starts the server as root"),
        ("PermissionError: [Errno 13] Permission denied: '/home/jovyan/.jupyter'", "may not write into your home"),
    ],
)
def test_an_image_with_another_user_is_told_with_the_user_that_it_needs(line: str, told: str) -> None:
    text = str(explain(replace(FAILED, log=(line,))))
    assert told in text
    assert "USER 1000:100" in text


@pytest.mark.parametrize("changes", [{"node_is_up": False}, {"state": "orphaned"}])
def test_a_node_that_went_down_is_the_cause_whatever_else_is_said(changes: dict[str, object]) -> None:
    assert "worker-1 went down" in str(explain(replace(FAILED, said="No such image", **changes)))  # type: ignore[arg-type]


@given(st.text(), st.text(), st.sampled_from(["failed", "rejected", "complete", "orphaned"]))
def test_every_failure_is_told_with_a_remedy_and_safe_for_a_page(said: str, log: str, state: str) -> None:
    told = explain(replace(FAILED, said=said, log=(log,), state=state))
    assert "lease" in told.jupyterhub_message or "should" in told.jupyterhub_message or "Choose" in told.jupyterhub_message
    assert "<" not in told.jupyterhub_html_message.replace("<pre>", "").replace("</pre>", "")


def test_the_log_is_told_line_by_line() -> None:
    error = StartError("It failed.", ["one", "two"])
    assert error.jupyterhub_message == "It failed. The end of its log: one | two"
    assert error.jupyterhub_html_message == "It failed.<pre>one\ntwo</pre>"


def reserving(memory: int, node_id: str = "node-1", state: str = "running") -> dict[str, object]:
    """A task that reserves bytes."""
    return {**task(state), "NodeID": node_id, "Spec": {"Resources": {"Reservations": {"MemoryBytes": memory}}}}


def test_no_room_names_what_is_asked_for_and_what_each_node_has() -> None:
    nodes = [node("worker-0"), node("worker-1", id="node-2")]
    taken = [reserving(3 * GIB), reserving(int(3.5 * GIB), "node-2"), reserving(GIB, state="failed")]
    told = str(no_room(NEED, rooms(NEED, nodes, taken), "insufficient resources", 60))
    assert "No node has 1.0 GiB of memory and 0.5 CPUs free for your server, after 60 s" in told
    assert "worker-0 has 1.0 GiB of 4.0 GiB" in told
    assert "worker-1 has 0.5 GiB of 4.0 GiB" in told


def test_a_server_that_is_too_large_for_any_node_is_told_so() -> None:
    need = replace(NEED, memory=8 * GIB)
    assert "no node has even when it is empty" in str(no_room(need, rooms(need, [node()], []), "", 60))


@pytest.mark.parametrize("changes", [{"availability": "drain"}, {"state": "down"}, {"role": "manager"}])
def test_nodes_that_take_no_notebooks_do_not_count(changes: dict[str, str]) -> None:
    assert rooms(NEED, [node(**changes)], []) == []
    assert "No node that may run your server is up" in str(no_room(NEED, [], "no suitable node", 60))


def test_a_label_that_is_asked_for_must_be_there() -> None:
    need = replace(NEED, constraints=("node.role==worker", "node.labels.gpu==a100"))
    nodes = [node("plain"), node("good", labels={"gpu": "a100"}), node("other", labels={"gpu": "h100"})]
    assert [room.name for room in rooms(need, nodes, [])] == ["good"]


@given(st.lists(st.integers(0, 8 * GIB), max_size=6))
def test_free_memory_is_never_negative_and_never_more_than_there_is(sizes: list[int]) -> None:
    (room,) = rooms(NEED, [node()], [reserving(size) for size in sizes])
    assert room.free_memory == max(0, 4 * GIB - sum(sizes))
