"""The stacks that come with the project, and `make check-stack`, which shows any stack's graph without a cloud."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from components import schema
from components.settings import Settings, load
from tests.unit.graphs import INSTANCE, PORT, Graph
from tools import check_stack
from tools.graph import PROJECT, ROOT, render, stack_config

STACKS = ("dev", "jetstream2")


def config_of(stack: str, folder: Path) -> dict[str, str]:
    """A stack's config, with examples of the files that only its user's computer has."""
    return check_stack.with_examples(stack_config(ROOT / f"Pulumi.{stack}.yaml"), folder)


def settings_of(stack: str, folder: Path) -> Settings:
    """The settings that the program reads from a stack's file."""
    values = config_of(stack, folder)
    return load(lambda key: values.get(f"{PROJECT}:{key}"), schema.load())


def checked(stack: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run `check_stack STACK` as make does."""
    monkeypatch.setattr(sys, "argv", ["check_stack", stack])
    return check_stack.main()


def test_these_are_all_the_stacks_of_the_project() -> None:
    assert {f"Pulumi.{stack}.yaml" for stack in STACKS}.issubset(path.name for path in ROOT.glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_uses_only_keys_that_the_project_has(stack: str) -> None:
    known = {f"{PROJECT}:{key}" for key in schema.load()} | {"openstack:cloud"}
    assert [key for key in stack_config(ROOT / f"Pulumi.{stack}.yaml") if key not in known] == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_settings_of_a_stack_are_accepted(stack: str, tmp_path: Path) -> None:
    assert settings_of(stack, tmp_path).image


@pytest.mark.parametrize("stack", STACKS)
def test_the_values_of_a_stack_have_the_types_of_their_keys(stack: str) -> None:
    for key, value in yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"].items():
        if key != "openstack:cloud":
            is_list = schema.load()[key.removeprefix(f"{PROJECT}:")].type == "array"
            assert isinstance(value, list if is_list else str), f"{key}: `pulumi config set` would write it otherwise"


def test_the_lab_signs_in_with_one_password_and_builds_all_its_images(tmp_path: Path) -> None:
    settings = settings_of("dev", tmp_path)
    assert settings.auth == "dummy"
    assert settings.notebook_image.context == ROOT / "images" / "notebook"


def test_the_production_example_is_for_people_who_register_and_has_room_for_them(tmp_path: Path) -> None:
    settings = settings_of("jetstream2", tmp_path)
    assert settings.auth == "native"
    assert settings.domain
    assert settings.workers >= 2
    assert settings.manager_flavor.startswith("m3.")


@pytest.mark.parametrize("stack", STACKS)
def test_the_whole_graph_of_a_stack_renders(stack: str, tmp_path: Path) -> None:
    graph = Graph(render(config_of(stack, tmp_path), stack))
    settings = settings_of(stack, tmp_path)
    machines = 1 + settings.workers + (settings.storage == "dedicated")
    assert len(graph.of_type(INSTANCE)) == len(graph.of_type(PORT)) == machines
    assert graph["machines-manager-0"].inputs["name"] == f"{stack}-manager-0"


def test_check_stack_prints_a_row_for_every_resource_with_its_guards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked("jetstream2", monkeypatch) == 0
    head, *rows, blank, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["TYPE", "NAME", "PARENT", "WAITS", "FOR", "GUARDS"]
    assert blank == ""
    assert last == f"{len(rows)} resources"
    (manager,) = (row for row in rows if row.split()[:2] == ["openstack:compute/instance:Instance", "machines-manager-0"])
    assert manager.endswith("[ignores imageId, imageName, userData, keyPair]")


def test_check_stack_needs_none_of_the_stacks_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for stack in STACKS:
        assert checked(stack, monkeypatch) == 0


def test_check_stack_uses_the_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "mine.pub").write_text("ssh-ed25519 AAAA mine\n")
    config = {f"{PROJECT}:sshPublicKeyFile": str(tmp_path / "mine.pub"), f"{PROJECT}:buildCaFile": ""}
    kept = check_stack.with_examples(config, tmp_path)
    assert kept[f"{PROJECT}:sshPublicKeyFile"] == str(tmp_path / "mine.pub")
    assert kept[f"{PROJECT}:buildCaFile"] == ""


def test_check_stack_needs_no_account_of_the_stacks_at_a_ca(tmp_path: Path) -> None:
    own = {"https": "letsencrypt", "domain": "hub.example.org", "acmeEabKeyId": "[secret]", "acmeEabHmacKey": "[secret]"}
    config = {**config_of("jetstream2", tmp_path), **{f"{PROJECT}:{key}": value for key, value in own.items()}}
    assert "proxy-acme-eab-key-id" in Graph(render(check_stack.with_examples(config, tmp_path), "test")).names()


def test_check_stack_needs_no_certificate_of_the_stacks(tmp_path: Path) -> None:
    own = {"https": "provided", "domain": "hub.example.org", "certificate": "[secret]", "certificateKey": "[secret]"}
    config = {**config_of("jetstream2", tmp_path), **{f"{PROJECT}:{key}": value for key, value in own.items()}}
    assert "proxy-certificate-key" in Graph(render(check_stack.with_examples(config, tmp_path), "test")).names()


def test_check_stack_names_the_stacks_when_it_is_given_none_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked("prod", monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("Pulumi.prod.yaml does not exist; the stacks here: ")
    assert set(STACKS).issubset(said.strip().replace(",", "").split())


def test_check_stack_shows_what_is_wrong_with_a_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check_stack, "ROOT", tmp_path)
    (tmp_path / "Pulumi.wrong.yaml").write_text(f"config:\n  {PROJECT}:workers: many\n  {PROJECT}:auth: dummy\n")
    assert checked("wrong", monkeypatch) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Pulumi.wrong.yaml: the stack's settings cannot be used:\n  - image: '' must be set" in said.err
    assert "  - workers: 'many' must be a whole number from 0 to 50" in said.err
