"""The workers of an earlier version's stack, by the real Pulumi engine over ssh: the next `up` takes none of them away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.command_programs import HEAD, tell_hosts
from tests.integration.conftest import SshHosts
from tests.integration.workspace import ROOT, Workspace

PLUGINS = ("command",)
NODES = """
from components import commands
from components.node import Node

commands.wait_ready = lambda: "echo done"  # no cloud-init has been here
machine = pulumi.ComponentResource("test:index:Machine", "machine")
manager, worker = (
    Node(name=name, address=pulumi.Output.from_input("127.0.0.1"), connection=target, machine=machine,
        machine_id=pulumi.Output.from_input("machine-1"))
    for name in ("manager-0", "worker-0")
)
ready = remote.Command("manager-ready", connection=target, create="true")
swarm_id = pulumi.Output.from_input("swarm-1")
LABELS = ("gpu=a100",)
"""
# The same resources, with lines that only tell that they ran.
BEFORE = (
    HEAD
    + NODES
    + """
class Workers(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("jupyterhub-swarm:index:Workers", "workers")

child = pulumi.ResourceOptions(parent=Workers())

def command(name, triggers, **given):
    return remote.Command(f"workers-{name}", connection=target, create="echo done", triggers=triggers, opts=child, **given)

command("token", [swarm_id])
command("worker-0-ready", ["machine-1"])
joined = command("worker-0-join", ["machine-1", swarm_id], stdin="{}")
command("worker-0-labels", [joined.id, *LABELS], delete="echo labels >>$REMOVED")
command("worker-0-active", ["machine-1", joined.id], update="echo kept", delete="echo worker-0 >>$REMOVED")
"""
)
NOW = (
    HEAD
    + NODES
    + """
from components.workers import Workers, WorkersArgs

Workers(
    "workers",
    WorkersArgs(
        manager=manager, manager_ready=ready, swarm_id=swarm_id, workers=[worker] if os.environ["WORKERS"] == "1" else [],
        labels={"worker-0": LABELS}, notebook_images=[], registry=None, build_ca="", before_active={},
    ),
)
"""
)
# A docker of a worker that is in the swarm, and of its manager.
PROGRAMS = {
    "docker": """
echo "$*" >>"$CALLS"
case "$*" in
  *LocalNodeState*) echo active ;;
  *NodeID*) echo node-1 ;;
  *NodeCertExpiry*) echo 87600h0m0s ;;
  *RootRotationInProgress*) echo false ;;
  *join-token*) echo SWMTKN-1-x ;;
  *Status.State*) echo ready ;;
  *Labels*) [ -e "$CALLS.label" ] && cat "$CALLS.label" || echo yes ;;
  *label-add*activated=*) sed 's/.*activated=\\([^ ]*\\).*/\\1/' <<<"$*" >"$CALLS.label" ;;
  *.ID*) echo node-1 ;;
esac
""",
    "sudo": "echo subject=CN=node-1,OU=swarm-worker,O=swarm-1",
}


class Stack:
    """Manager and worker are one host, whose docker keeps a log."""

    def __init__(self, workspace: Workspace, hosts: SshHosts, folder: Path) -> None:
        self.pulumi, programs = workspace, folder / "programs"
        self.removed, self._calls = folder / "removed", folder / "calls"
        self._calls.touch()
        programs.mkdir()
        for name, body in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/bash\n{body}\n")
            (programs / name).chmod(0o755)
        path = f"PATH={programs}:/usr/local/bin:/usr/bin:/bin"
        with hosts.target.config.open("a") as config:
            config.write(f"SetEnv CALLS={self._calls} REMOVED={self.removed} {path}\n")
        hosts.target.start()
        tell_hosts(workspace, hosts)
        workspace.set_env(PYTHONPATH=str(ROOT), WORKERS="1")

    def calls(self, start: str) -> list[str]:
        """What its docker was asked for that begins so."""
        return [call for call in self._calls.read_text().splitlines() if call.startswith(start)]


@pytest.fixture
def stack(pulumi_workspace: Workspace, ssh_hosts: SshHosts, tmp_path: Path) -> Stack:
    made = Stack(pulumi_workspace, ssh_hosts, tmp_path)
    made.pulumi.write(BEFORE)
    made.pulumi.up().expect_ok()
    made.pulumi.write(NOW)
    return made


def test_a_worker_stays_and_goes_by_its_id_from_then_on(stack: Stack) -> None:
    done = stack.pulumi.up().expect_ok()
    for step in ("join", "labels", "active"):
        assert done.step(f"workers-worker-0-{step}").op == "update", done.output
    assert not stack.removed.exists()
    assert (stack.calls("node rm"), stack.calls("swarm leave"), stack.calls("swarm ca")) == ([], [], [])
    assert [call for call in stack.calls("node update") if "--availability" in call] == []
    for refresh in (False, True):
        again = stack.pulumi.up(refresh=refresh).expect_ok()
        assert again.changes == {}, again.output
    stack.pulumi.set_env(WORKERS="0")
    stack.pulumi.up().expect_ok()
    assert not stack.removed.exists()
    assert stack.calls("node rm") == ["node rm --force node-1"]


def test_a_join_that_is_made_to_run_again_takes_no_worker_away(stack: Stack) -> None:
    stack.pulumi.up().expect_ok()
    done = stack.pulumi.replace("workers-worker-0-join").expect_ok()
    assert "replace" in done.step("workers-worker-0-active").op, done.output
    assert stack.calls("node rm") == []
    assert [call for call in stack.calls("node update") if "--availability" in call] == []
