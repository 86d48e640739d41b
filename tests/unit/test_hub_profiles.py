"""services/hub/profiles.py: the choice on the spawn page, and what it makes of the next server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.hub import profiles
from services.hub.service_spec import placement
from services.hub.start_errors import StartError
from tests.unit.hub_files import hub_config, spawner_of

GIB = 1024**3


def profile(name: str, **changes: Any) -> dict[str, Any]:
    """A profile as settings.json has it."""
    return {
        "name": name,
        "description": "",
        "image": "example/lab:7",
        "cpu_limit": 2.0,
        "cpu_guarantee": 0.5,
        "memory_limit": 2 * GIB,
        "memory_guarantee": GIB,
        "node_label": "",
        "gpus": 0,
        **changes,
    }


SMALL = profile("Small", description='For <reading> & "writing"')
LARGE = profile("Large", image="example/big:2", memory_limit=8 * GIB, memory_guarantee=4 * GIB, node_label="gpu==a100", gpus=1)


@pytest.fixture
def spawner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ada's spawner, with two kinds to choose from."""
    made = spawner_of("ada", hub_config(tmp_path, monkeypatch))
    made.profiles = [SMALL, LARGE]
    made.orm_spawner = SimpleNamespace(name="", user_options={}, server=None)
    return made


def test_the_page_shows_each_kind_with_its_limits_and_marks_the_first(spawner: Any) -> None:
    page = profiles.form(spawner)
    assert re.findall(r'value="(\w+)"( checked)?', page) == [("Small", " checked"), ("Large", "")]
    assert "up to 2 CPUs, 8.0 GiB of memory, 1 GPU" in page
    assert "For &lt;reading&gt; &amp; &quot;writing&quot;" in page


def test_the_page_marks_what_the_user_had_last(spawner: Any) -> None:
    spawner.user_options = {"profile": "Large"}
    assert re.findall(r'value="(\w+)"( checked)?', profiles.form(spawner)) == [("Small", ""), ("Large", " checked")]


def test_the_page_marks_the_first_where_the_last_is_no_more(spawner: Any) -> None:
    spawner.user_options = {"profile": "Huge"}
    assert 'value="Small" checked' in profiles.form(spawner)


def test_with_one_kind_there_is_no_page(spawner: Any) -> None:
    spawner.profiles = [SMALL]
    assert profiles.form(spawner) == ""


def test_the_page_has_the_warning_of_a_full_home_and_the_choice() -> None:
    async def warning(_: Any) -> str:
        return "full!"

    assert asyncio.run(profiles.page(warning, lambda _: "choose!")(None)) == "full!choose!"
    assert asyncio.run(profiles.page(lambda _: "", lambda _: "")(None)) == ""


def test_a_choice_makes_the_next_server_one_of_that_kind(spawner: Any) -> None:
    spawner.user_options = profiles.from_form({"profile": ["Large"]})
    spawner.pre_spawn_hook = None
    asyncio.run(spawner.run_pre_spawn_hook())
    assert (spawner.image, spawner.mem_limit, spawner.mem_guarantee) == ("example/big:2", 8 * GIB, 4 * GIB)
    assert placement(spawner) == {"constraints": ["node.role==worker", "node.labels.gpu==a100"]}
    assert spawner.gpus == 1


def test_a_later_choice_leaves_nothing_of_an_earlier_one(spawner: Any) -> None:
    profiles.apply(spawner, "Large")
    profiles.apply(spawner, "Small")
    assert (spawner.image, spawner.gpus) == ("example/lab:7", 0)
    assert placement(spawner) == {"constraints": ["node.role==worker"]}


def test_who_chooses_nothing_gets_the_first(spawner: Any) -> None:
    profiles.apply(spawner, None)
    assert spawner.mem_limit == 2 * GIB
    assert profiles.from_form({}) == {}


def test_a_kind_that_is_not_there_is_refused_with_those_that_are(spawner: Any) -> None:
    with pytest.raises(StartError, match="no kind of server named 'Huge'; there are: Small, Large"):
        profiles.apply(spawner, "Huge")


def test_an_earlier_choice_locks_nobody_out_when_one_kind_is_left(spawner: Any) -> None:
    spawner.profiles = [SMALL]
    profiles.apply(spawner, "Huge")
    assert spawner.mem_limit == 2 * GIB
