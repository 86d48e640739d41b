"""The stand-in and the vendor's plugin side by side: equal states, equal diffs, and a stack that may change between them.

These tests need the vendor's plugin (STANDIN_VENDOR_DIR) and are skipped without it.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_programs import HEAD, tell_hosts
from tests.integration.conftest import SshHosts, plugin_home, skip_without_vendor
from tests.integration.workspace import Result, Workspace, toolchain_path

PLUGINS = ("command",)
# Made anew at every run, or about this run alone.
PASSING = {"created", "modified", "id", "parent", "provider", "sourcePosition", "stackTrace"}

PROGRAM = (
    HEAD
    + """
one = remote.Command("one", connection=target, create="echo hi", triggers=[1, {"a": None, "b": [True, 1.5]}],
    environment={"GREETING": "x"}, logging="stdout", add_previous_output_in_env=False, stdin=pulumi.Output.secret("abcdefgh"))
two = remote.Command("two", connection=target, create=pulumi.Output.concat("echo ", one.stdout),
    triggers=[one.stdout, pulumi.Output.secret("secret trigger")], update="")
remote.CopyToRemote("three", connection=target, source=pulumi.StringAsset("hello"), remote_path=os.environ["COPY_TO"])
local.Command("four", create="echo x", delete="true")
remote.Command("five", connection=target)
"""
)
CHANGES = {'"echo hi"': '"echo ho"', '"hello"': '"hollo"', '"a": None, ': "", 'delete="true"': 'dir="/"'}


def changed() -> str:
    """The same program with other inputs: changed, added, removed, nested, triggering."""
    text = PROGRAM
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    return text


def recorded(workspace: Workspace) -> dict[str, Any]:
    """The resources by name, without what passes."""
    resources = workspace.open_state()["deployment"].get("resources", [])
    return {
        item["urn"].rsplit("::", 1)[-1]: {key: value for key, value in item.items() if key not in PASSING}
        for item in resources
        if item["type"] != "pulumi:providers:command"
    }


def told(result: Result) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The steps of a run, in an order that does not depend on which resource was quicker."""
    return sorted((step.name, step.op, sorted(step.diff.items())) for step in result.steps)


def played(workspace: Workspace) -> dict[str, Any]:
    """Everything that a stack's life shows, run by run."""
    workspace.write(PROGRAM)
    runs = {"plan": workspace.preview(), "make": workspace.up(), "look": workspace.refresh()}
    states = {"made": recorded(workspace)}
    workspace.write(changed())
    runs.update({"plan the change": workspace.preview(), "change": workspace.up()})
    states["changed"] = recorded(workspace)
    runs["end"] = workspace.destroy()
    for result in runs.values():
        result.expect_ok()
    return {"runs": {name: told(result) for name, result in runs.items()}, "states": states}


def test_both_plugins_record_and_plan_the_same(ssh_hosts: SshHosts, tmp_path: Path) -> None:
    skip_without_vendor(PLUGINS)
    ssh_hosts.target.start()
    lives = {}
    for kind in ("stand-in", "vendor"):
        folder = tmp_path / kind
        folder.mkdir()
        workspace = Workspace(folder, plugin_home(tmp_path, kind, PLUGINS), toolchain_path())
        tell_hosts(workspace, ssh_hosts)
        workspace.set_env(COPY_TO=str(tmp_path / "copy"))
        lives[kind] = played(workspace)
    assert lives["stand-in"]["runs"] == lives["vendor"]["runs"]
    assert lives["stand-in"]["states"] == lives["vendor"]["states"]


@pytest.mark.parametrize(("first", "second"), [("stand-in", "vendor"), ("vendor", "stand-in")])
def test_a_stack_may_change_from_one_plugin_to_the_other(ssh_hosts: SshHosts, tmp_path: Path, first: str, second: str) -> None:
    skip_without_vendor(PLUGINS)
    ssh_hosts.target.start()
    folder = tmp_path / "project"
    folder.mkdir()
    workspace = Workspace(folder, plugin_home(tmp_path, first, PLUGINS), toolchain_path())
    tell_hosts(workspace, ssh_hosts)
    workspace.set_env(COPY_TO=str(tmp_path / "copy"))
    workspace.write(PROGRAM)
    workspace.up().expect_ok()
    workspace.use_plugins(plugin_home(tmp_path, second, PLUGINS))
    moved = workspace.up(refresh=True).expect_ok()
    assert [step for step in moved.steps if step.op not in ("same", "refresh") and step.type != "pulumi:providers:command"] == []
    workspace.destroy().expect_ok()
