"""Copies to another machine and local commands, by the real engine: one table for the stand-in and the vendor's plugin."""

from pathlib import Path

import pytest

from tests.integration.command_programs import HEAD, tell_hosts
from tests.integration.conftest import SshHosts
from tests.integration.workspace import Workspace

PLUGINS = ("command",)


@pytest.fixture
def workspace(pulumi_workspace: Workspace, ssh_hosts: SshHosts) -> Workspace:
    """A project whose programs know the hosts, with some files to copy; the target runs."""
    tell_hosts(pulumi_workspace, ssh_hosts)
    ssh_hosts.target.start()
    tree = pulumi_workspace.folder / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "top.txt").write_text("top\n")
    (tree / "deep" / "script.sh").write_text("#!/bin/sh\n")
    (tree / "deep" / "script.sh").chmod(0o755)
    (tree / "big.bin").write_bytes(bytes(range(256)) * 1000)
    return pulumi_workspace


def found(folder: Path) -> set[str]:
    """The files below a folder, as paths relative to it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_texts_files_and_folders_are_copied(workspace: Workspace, tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "existing").mkdir(parents=True)
    workspace.write(
        HEAD
        + f"""
def copy(name, source, path):
    return remote.CopyToRemote(name, connection=target, source=source, remote_path="{there}/" + path)

copy("text", pulumi.StringAsset("content"), "new/folders/text")
copy("file", pulumi.FileAsset("tree/big.bin"), "other/big")
copy("into", pulumi.FileAsset("tree/top.txt"), "existing")
copy("folder", pulumi.FileArchive("tree"), "as-folder")
copy("slash", pulumi.FileArchive("tree/"), "content-only")
"""
    )
    made = workspace.up().expect_ok()
    assert (there / "new/folders/text").read_text() == "content"
    assert (there / "other/big").read_bytes() == bytes(range(256)) * 1000
    assert found(there / "existing") == {"top.txt"}
    assert found(there / "as-folder") == {"tree/top.txt", "tree/deep/script.sh", "tree/big.bin"}
    assert found(there / "content-only") == {"top.txt", "deep/script.sh", "big.bin"}
    assert (there / "as-folder/tree/deep/script.sh").stat().st_mode & 0o111 == 0, "modes are not copied"
    assert len(made.resource("text")["id"]) == 8
    assert workspace.preview(refresh=True).expect_ok().changes == {}
    workspace.destroy().expect_ok()
    assert found(there / "existing") == {"top.txt"}, "copies stay when the resource goes"


def test_new_content_is_copied_again_and_a_trigger_replaces(workspace: Workspace, tmp_path: Path) -> None:
    there = tmp_path / "there"
    program = (
        HEAD
        + f"""
remote.CopyToRemote("text", connection=target, source=pulumi.StringAsset("first"), remote_path="{there}", triggers=[1])
"""
    )
    workspace.write(program)
    workspace.up().expect_ok()
    there.write_text("touched by hand")
    assert workspace.preview(refresh=True).expect_ok().changes == {}
    workspace.write(program.replace('"first"', '"second"'))
    changed = workspace.up().expect_ok()
    assert changed.step("text").op == "update"
    assert changed.step("text").diff == {"source": "update"}
    assert there.read_text() == "second"
    there.write_text("touched by hand")
    program = program.replace('"first"', '"second"')
    workspace.write(program.replace("target, source", "connection(dial_error_limit=3), source"))
    assert workspace.up().expect_ok().step("text").op == "update"
    assert there.read_text() == "touched by hand", "another connection alone copies nothing"
    workspace.write(program.replace("triggers=[1]", "triggers=[2]"))
    assert workspace.up().expect_ok().step("text").op == "replace"
    assert there.read_text() == "second"


def test_a_copy_that_cannot_be_made_says_why(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")
    workspace.write(
        HEAD
        + f"""
remote.CopyToRemote("one", connection=target, source=pulumi.StringAsset("x"), remote_path="{tmp_path}/plain/below")
remote.CopyToRemote("two", connection=target, source=pulumi.StringAsset("x"), remote_path="{tmp_path}")
"""
    )
    failed = workspace.up()
    assert not failed.ok
    assert f"{tmp_path}/plain" in failed.output
    assert f"remote path {tmp_path} is a directory" in failed.output
    assert not any(item["type"] == "command:remote:CopyToRemote" for item in failed.resources)


def test_a_local_command_runs_updates_and_deletes(workspace: Workspace, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = (
        HEAD
        + f"""
one = local.Command("one", create="cat; echo $WORD; pwd", stdin="input ", dir="{tmp_path}", environment={{"WORD": "first"}},
    update="echo after $PULUMI_COMMAND_STDOUT", delete="echo deleted $PULUMI_COMMAND_STDOUT > {trace}")
local.Command("two", create="print(6 * 7)", interpreter=["python3", "-c"], triggers=[one.stdout])
"""
    )
    workspace.write(program)
    made = workspace.up().expect_ok()
    assert made.resource("one")["outputs"]["stdout"] == f"input first\n{tmp_path}"
    assert made.resource("two")["outputs"]["stdout"] == "42"
    assert workspace.preview(refresh=True).expect_ok().changes == {}
    workspace.write(program.replace('"first"', '"second"'))
    planned = workspace.preview().expect_ok()
    assert planned.step("two").op == "replace", "the new output is not known yet, so the trigger counts as changed"
    changed = workspace.up().expect_ok()
    assert changed.step("one").diff == {"environment.WORD": "update"}
    assert changed.resource("one")["outputs"]["stdout"] == f"after input first {tmp_path}"
    workspace.destroy().expect_ok()
    assert trace.read_text() == f"deleted after input first {tmp_path}\n"


def test_a_local_command_that_fails_says_its_status_and_output(workspace: Workspace) -> None:
    workspace.write(
        HEAD
        + """
local.Command("broken", create="echo partial; exit 3")
local.Command("nowhere", create="true", dir="/no/such/folder")
"""
    )
    failed = workspace.up()
    assert not failed.ok
    assert 'exit status 3: running "echo partial; exit 3":' in failed.output
    assert "/no/such/folder" in failed.output
