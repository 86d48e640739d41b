"""services/hub/swarm_templates.py: which texts of a container Swarm runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docker.types import ContainerSpec, DriverConfig, Mount
from hypothesis import given
from hypothesis import strategies as st

from services.hub.swarm_templates import AS_TEXT, BEGINS, contained, found_in
from tests.unit.hub_files import hub_config, spawner_of

NODE = "{{.Node.Hostname}}"


def test_only_the_owners_own_templates_run() -> None:
    env: Any = {"NODE_NAME": NODE, "WHO": "{{.Service.ID}}", "PLAIN": "a=b"}
    spec = ContainerSpec(image="lab:1", env=env, hostname="{{.Task.Slot}}")
    changed = contained(spec, frozenset({NODE}))
    assert changed["Env"] == [f"NODE_NAME={NODE}", f"WHO={AS_TEXT}.Service.ID}}}}", "PLAIN=a=b"]
    assert changed["Hostname"] == f"{AS_TEXT}.Task.Slot}}}}"
    assert changed["Image"] == "lab:1"
    assert spec["Hostname"] == "{{.Task.Slot}}"


def test_in_a_mount_source_target_labels_and_options_are_texts() -> None:
    driver = DriverConfig("local", {"device": "{{d"})
    mount = Mount(target="/{{t", source="{{s", type="volume", labels={"l": "{{l"}, driver_config=driver, no_copy=True)
    (changed,) = contained(ContainerSpec(image="lab:1", mounts=[mount]), frozenset())["Mounts"]
    assert (changed["Source"], changed["Target"]) == (f"{AS_TEXT}s", f"/{AS_TEXT}t")
    options = changed["VolumeOptions"]
    assert options == {
        "NoCopy": True,
        "Labels": {"l": f"{AS_TEXT}l"},
        "DriverConfig": {"Name": "local", "Options": {"device": f"{AS_TEXT}d"}},
    }


def test_templates_are_found_wherever_the_owner_may_write_them() -> None:
    settings: dict[str, Any] = {
        "env": [f"NODE={NODE}", "PLAIN=1"],
        "hostname": "{{.Task.Slot}}",
        "init": True,
        "hosts": ("{{a}}",),
    }
    assert found_in({"NODE_NAME": NODE, "CALL": len}, settings) == {NODE, f"NODE={NODE}", "{{.Task.Slot}}", "{{a}}"}
    changed = contained(ContainerSpec(image="lab:1", env=settings["env"]), found_in(settings))
    assert changed["Env"] == settings["env"]


@given(st.text(alphabet='{} "ab.-/*', max_size=12))
def test_a_text_is_the_same_again_once_swarm_has_run_what_is_sent(text: str) -> None:
    (sent,) = contained(ContainerSpec(image="lab:1", env={"A": text}), frozenset())["Env"]
    # What begins a template there is the one that writes two braces, and nothing else.
    pieces = sent.removeprefix("A=").split(AS_TEXT)
    assert not any(BEGINS in piece or piece.endswith("{") for piece in pieces[:-1])
    assert BEGINS not in pieces[-1]
    assert BEGINS.join(pieces) == text


def test_the_one_template_of_the_hubs_configuration_tells_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spawner_of("ada", hub_config(tmp_path, monkeypatch)).templates == {NODE}
