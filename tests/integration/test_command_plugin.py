"""Remote commands by the plugin of `make toolchain`, the real engine and real ssh servers."""

from pathlib import Path

import pytest

from tests.integration.command_programs import HEAD, expect_no_leak, tell_hosts
from tests.integration.conftest import SshHosts
from tests.integration.workspace import Workspace, installed_plugin

PLUGINS = ("command",)
STDIN_SECRET = "stdin-secret-4711"
OUTPUT_SECRET = "output-secret-4712"


@pytest.fixture
def workspace(pulumi_workspace: Workspace, ssh_hosts: SshHosts) -> Workspace:
    """A project whose programs know the hosts; the target is not started yet."""
    tell_hosts(pulumi_workspace, ssh_hosts)
    return pulumi_workspace


def test_a_command_gets_stdin_and_leaves_no_secret_behind(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    workspace.set_env(STDIN_SECRET=STDIN_SECRET, OUTPUT_SECRET=OUTPUT_SECRET)
    workspace.write(
        HEAD
        + f"""
counted = remote.Command("counted", connection=target, create="wc -c; echo to-stderr >&2",
    stdin=pulumi.Output.secret(SECRET))
hidden = remote.Command("hidden", connection=target, create="echo {OUTPUT_SECRET[:6]}; echo {OUTPUT_SECRET[6:]}",
    logging=remote.Logging.NONE, opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]))
after = remote.Command("after", connection=target, create="tr a-z A-Z", stdin=counted.stderr)
pulumi.export("stdout", counted.stdout)
"""
    )
    planned = workspace.preview().expect_ok()
    assert planned.changes == {"create": 5}
    made = workspace.up().expect_ok()
    counted = made.resource("counted")["outputs"]
    assert (counted["stdout"], counted["stderr"]) == (str(len(STDIN_SECRET)), "to-stderr")
    assert made.resource("counted")["id"].startswith("counted")
    assert made.resource("after")["outputs"]["stdout"] == "TO-STDERR"
    assert "ciphertext" in made.resource("hidden")["outputs"]["stdout"]
    assert "ciphertext" in made.resource("hidden")["outputs"]["connection"]
    assert {str(len(STDIN_SECRET)), "to-stderr"} <= set(made.messages)
    assert OUTPUT_SECRET[6:] not in made.messages
    expect_no_leak(workspace, made, ssh_hosts, STDIN_SECRET)
    assert workspace.preview().expect_ok().changes == {}
    assert workspace.up(refresh=True).expect_ok().changes == {}
    assert workspace.refresh().expect_ok().changes == {}
    assert workspace.destroy().expect_ok().changes == {"delete": 5}


def test_update_and_delete_run_their_own_lines(workspace: Workspace, ssh_hosts: SshHosts, tmp_path: Path) -> None:
    ssh_hosts.target.start()
    trace = tmp_path / "trace"
    program = (
        HEAD
        + f"""
remote.Command("full", connection=target, create="echo created | tee -a {trace}",
    update="echo updated | tee -a {trace}", delete="echo deleted >> {trace}", environment={{"GREETING": "hello"}})
remote.Command("again", connection=target, create="echo again $GREETING >> {trace}", environment={{"GREETING": "hello"}})
"""
    )
    workspace.write(program)
    workspace.up().expect_ok()
    assert sorted(trace.read_text().splitlines()) == ["again hello", "created"]
    trace.write_text("")
    workspace.write(program.replace("hello", "goodbye"))
    changed = workspace.up().expect_ok()
    assert changed.changes == {"update": 2}
    assert sorted(trace.read_text().splitlines()) == ["again goodbye", "updated"]
    assert changed.resource("full")["outputs"]["stdout"] == "updated"
    trace.write_text("")
    workspace.destroy().expect_ok()
    assert trace.read_text() == "deleted\n"


def test_a_changed_trigger_replaces_and_runs_create_then_delete(
    workspace: Workspace, ssh_hosts: SshHosts, tmp_path: Path
) -> None:
    ssh_hosts.target.start()
    trace = tmp_path / "trace"
    program = (
        HEAD
        + f"""
remote.Command("triggered", connection=target, create="echo created >> {trace}", update="echo updated >> {trace}",
    delete="echo deleted >> {trace}", triggers=["one", {{"deep": 1}}])
"""
    )
    workspace.write(program)
    workspace.up().expect_ok()
    workspace.write(program.replace('"deep": 1', '"deep": 2'))
    planned = workspace.preview().expect_ok()
    assert planned.step("triggered").op == "replace"
    workspace.up().expect_ok()
    assert trace.read_text().split() == ["created", "created", "deleted"]
    workspace.write(program.replace(', triggers=["one", {"deep": 1}]', ', triggers=["one"]'))
    assert workspace.up().expect_ok().step("triggered").op == "replace"
    assert trace.read_text().split()[3:] == ["created", "deleted"]


def test_a_new_connection_alone_runs_the_update(workspace: Workspace, ssh_hosts: SshHosts, tmp_path: Path) -> None:
    ssh_hosts.target.start()
    trace = tmp_path / "trace"
    program = HEAD + f'remote.Command("one", connection=target, create="echo ran >> {trace}")\n'
    workspace.write(program)
    workspace.up().expect_ok()
    workspace.write(program.replace("connection=target", "connection=connection(dial_error_limit=3)"))
    changed = workspace.up().expect_ok()
    assert changed.step("one").op == "update"
    assert trace.read_text() == "ran\nran\n"


def test_a_failing_line_says_its_status_and_output_but_no_secret(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    workspace.set_env(STDIN_SECRET=STDIN_SECRET)
    workspace.write(
        HEAD
        + """
remote.Command("broken", connection=target, create="echo partial; echo 'no such thing' >&2; cat >/dev/null; exit 7",
    stdin=pulumi.Output.secret(SECRET))
"""
    )
    failed = workspace.up()
    assert not failed.ok
    assert "Process exited with status 7: running " in failed.output
    assert "partial" in failed.output and "no such thing" in failed.output
    assert not any(item["type"] == "command:remote:Command" for item in failed.resources)
    expect_no_leak(workspace, failed, ssh_hosts, STDIN_SECRET)


def test_a_variable_that_the_server_refuses_is_an_error(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    workspace.write(HEAD + 'remote.Command("one", connection=target, create="true", environment={"NOT_LET_IN": "x"})\n')
    failed = workspace.up()
    assert not failed.ok
    assert "NOT_LET_IN" in failed.output and "AcceptEnv" in failed.output


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("remote.Command('one', connection=target, create='true', add_previous_output_in_env=False)", "addPreviousOutputInEnv"),
        ("remote.Command('one', connection=connection(host_key='x'), create='true')", "hostKey"),
        ("local.Command('one', create='true')", "command:local:Command"),
    ],
)
def test_what_the_program_does_not_use_is_refused_with_the_remedy(declared: str, said: str, workspace: Workspace) -> None:
    if not installed_plugin("command").resolve().parent.name.startswith("command-"):
        pytest.skip("the vendor's plugin knows these")
    workspace.write(HEAD + declared + "\n")
    planned = workspace.preview()
    assert not planned.ok
    assert said in planned.output and "this command plugin, which was built here" in planned.output


def test_logging_chooses_which_lines_are_shown(workspace: Workspace, ssh_hosts: SshHosts) -> None:
    ssh_hosts.target.start()
    workspace.write(
        HEAD
        + """
for logging in remote.Logging:
    name = logging.value
    remote.Command(name, connection=target, create=f"echo {name}-out; echo {name}-err >&2", logging=logging)
"""
    )
    made = workspace.up().expect_ok()
    assert {text for text in made.messages if text.endswith(("-out", "-err"))} == {
        "stdout-out",
        "stderr-err",
        "stdoutAndStderr-out",
        "stdoutAndStderr-err",
    }
    assert made.resource("none")["outputs"]["stdout"] == "none-out"
