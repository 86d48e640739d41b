"""Reaching and signing in to hosts for remote commands, behind a bastion and not."""

import socket
import threading
from pathlib import Path

import pytest

from tests.integration.command_programs import HEAD, expect_no_leak, tell_hosts
from tests.integration.conftest import SshHosts
from tests.integration.workspace import Workspace

PLUGINS = ("command",)


@pytest.fixture
def workspace(pulumi_workspace: Workspace, ssh_hosts: SshHosts) -> Workspace:
    """A project whose programs know the hosts; the target is not started yet."""
    tell_hosts(pulumi_workspace, ssh_hosts)
    return pulumi_workspace


def start_after_a_failure(hosts: SshHosts) -> None:
    """Starts the target once the bastion could not reach it, so that a retry is needed however slow the engine starts."""
    pause = threading.Event()
    for _ in range(600):
        if hosts.bastion.log.exists() and "connect_to 127.0.0.1 port" in hosts.bastion.log.read_text():
            break
        pause.wait(0.2)
    hosts.target.start()


def test_the_target_answers_only_through_the_bastion(ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ssh_hosts.target.port), timeout=2)


def test_a_host_that_comes_up_late_is_waited_for(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    workspace.write(HEAD + 'remote.Command("ready", connection=connection(dial_error_limit=20), create="echo up")\n')
    late = threading.Thread(target=start_after_a_failure, args=(ssh_hosts,))
    late.start()
    try:
        made = workspace.up().expect_ok()
    finally:
        late.join()
    assert made.resource("ready")["outputs"]["stdout"] == "up"
    assert "Dial from proxy 1/20 failed: retrying" in made.messages


def test_the_dial_error_limit_ends_the_waiting(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    workspace.write(HEAD + 'remote.Command("ready", connection=target, create="true")\n')
    failed = workspace.up()
    assert not failed.ok
    assert [text for text in failed.messages if "failed: retrying" in text] == [
        "Dial from proxy 1/2 failed: retrying",
        "Dial from proxy 2/2 failed: retrying",
    ]
    assert "proxy: after 2 failed attempts: " in failed.output
    assert not any(item["type"] == "command:remote:Command" for item in failed.resources)


def test_a_bastion_that_is_down_is_told_from_a_host_that_is_down(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    ssh_hosts.bastion.stop()
    workspace.write(HEAD + 'remote.Command("ready", connection=target, create="true")\n')
    try:
        failed = workspace.up()
    finally:
        ssh_hosts.bastion.start()
    assert not failed.ok
    assert "Dial proxy 2/2 failed: retrying" in failed.messages
    assert "proxy: after 2 failed attempts: " in failed.output


def test_a_wrong_key_is_an_error_that_shows_no_key(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    ssh_hosts.bastion.authorize(ssh_hosts.wrong_key)
    workspace.write(
        HEAD
        + """
remote.Command("direct", create="true", connection=remote.ConnectionArgs(host="127.0.0.1", dial_error_limit=1,
    port=int(os.environ["BASTION_PORT"]), private_key=key("TARGET_KEY")))
remote.Command("behind", create="true", connection=connection(private_key=key("WRONG_KEY"), dial_error_limit=1))
"""
    )
    failed = workspace.up()
    assert not failed.ok
    assert "after 1 failed attempts: " in failed.output
    assert not any(item["type"] == "command:remote:Command" for item in failed.resources)
    expect_no_leak(workspace, failed, ssh_hosts)


def test_a_connection_lost_while_a_line_runs_is_an_error_and_runs_it_once(
    workspace: Workspace, ssh_hosts: SshHosts, tmp_path: Path
) -> None:
    ssh_hosts.target.start()
    trace = tmp_path / "trace"
    line = f"echo ran >> {trace}; kill -9 $PPID; sleep 1"
    workspace.write(HEAD + f'remote.Command("one", connection=target, create="{line}")\n')
    failed = workspace.up()
    assert not failed.ok
    assert "exited with status" not in failed.output
    assert trace.read_text() == "ran\n"
