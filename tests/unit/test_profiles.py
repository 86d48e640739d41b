"""components/profiles.py and what the program makes of it: kinds of servers, their images on the nodes, labels of workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.image_source import ImageSource
from components.profiles import FIELDS, Profile, images, labels
from tests.unit.graphs import Graph

GIB = 1024**3
BASE = Profile(
    name="standard",
    description="",
    image=ImageSource(reference="example/lab:1", context=None),
    cpu_limit=2,
    cpu_guarantee=0.5,
    memory_limit=2 * GIB,
    memory_guarantee=GIB,
    node_label="",
    gpus=0,
)
GraphOf = Callable[..., Graph]
LARGE = {"name": "Large", "memoryLimit": "8G", "image": "example/big:2"}


def test_a_profile_inherits_what_it_does_not_say() -> None:
    made = Profile.parse({"name": "Same"}, BASE)
    assert {**vars(made), "name": "standard"} == vars(BASE)


def test_a_profile_says_all_that_it_may_say() -> None:
    values = ("Large", "For training", "example/big:2", "8", "1", "16G", "4G", "gpu=a100", "1")
    made = Profile.parse(dict(zip(FIELDS, values, strict=True)), BASE)
    assert made.render() == {
        "name": "Large",
        "description": "For training",
        "image": "example/big:2",
        "cpu_limit": 8.0,
        "cpu_guarantee": 1.0,
        "memory_limit": 16 * GIB,
        "memory_guarantee": 4 * GIB,
        "node_label": "gpu==a100",
        "gpus": 1,
    }


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "needs a name"),
        ({"name": "x", "ram": "2G"}, "has no entry ram; it has name, description, image"),
        ({"name": "x", "memoryLimit": "2GB"}, "has memoryLimit '2GB', which must be a size above 0"),
        ({"name": "x", "image": "lab"}, "has image 'lab', which has no tag"),
        ({"name": "x", "nodeLabel": "gpu"}, "which must be a label such as gpu=a100"),
        ({"name": "x", "gpu": "yes"}, "has gpu 'yes', which must be a whole number from 0 to 16"),
        ({"name": "x", "cpuLimit": "1", "cpuGuarantee": "2"}, "has a cpuGuarantee above its cpuLimit"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_with_rule_and_remedy(values: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        Profile.parse(values, BASE)


@given(st.dictionaries(st.sampled_from(["memoryLimit", "memoryGuarantee"]), st.integers(1, 64).map("{}G".format)))
def test_whatever_a_profile_leaves_out_its_guarantee_never_exceeds_its_limit(values: dict[str, str]) -> None:
    try:
        made = Profile.parse({"name": "x", **values}, BASE)
    except ValueError:
        assert len(values) == 2
        return
    assert made.memory_guarantee <= made.memory_limit
    for name, size in (("memoryLimit", made.memory_limit), ("memoryGuarantee", made.memory_guarantee)):
        assert name not in values or size == int(values[name][:-1]) * GIB


def test_labels_are_separated_by_commas_or_blanks() -> None:
    assert labels("gpu=a100, disk=fast") == ("gpu=a100", "disk=fast")


def test_an_image_that_two_profiles_use_is_brought_once() -> None:
    assert images([BASE, Profile.parse({"name": "x"}, BASE), Profile.parse(LARGE, BASE)]) == [
        BASE.image,
        ImageSource(reference="example/big:2", context=None),
    ]


def test_every_worker_gets_every_image_before_it_takes_notebooks(graph_of: GraphOf, example_folder: Path) -> None:
    graph = graph_of(workers="2", notebookImage="example/lab:7", profiles=json.dumps([{"name": "Small"}, LARGE]))
    for worker in ("workers-worker-0", "workers-worker-1"):
        assert "example/lab:7" in graph[f"{worker}-notebook-image-present"].inputs["create"]
        assert "example/big:2" in graph[f"{worker}-notebook-image-1-present"].inputs["create"]
        before = set(graph[f"{worker}-active"].depends_on)
        assert {f"{worker}-notebook-image-present", f"{worker}-notebook-image-1-present"} <= before


def test_the_hub_offers_profiles_only_when_every_worker_has_their_images(graph_of: GraphOf) -> None:
    graph = graph_of(workers="2", profiles=json.dumps([{"name": "Small"}, LARGE]))
    (settings,) = [name for name in graph.names() if name.startswith("hub-settings-")]
    assert {name for name in graph.names() if "-notebook-image" in name and name.endswith("-present")} <= set(
        graph[settings].depends_on
    )


def test_without_workers_the_manager_gets_every_image(graph_of: GraphOf) -> None:
    graph = graph_of(workers="0", profiles=json.dumps([{"name": "Small"}, LARGE]))
    assert "example/big:2" in graph["workers-manager-0-notebook-image-1-present"].inputs["create"]


def test_a_changed_image_is_brought_by_the_same_resource(graph_of: GraphOf) -> None:
    one, other = (graph_of(profiles=json.dumps([{**LARGE, "image": image}])) for image in ("example/a:1", "example/b:1"))
    assert {name for name in one.names() if "image" in name} == {name for name in other.names() if "image" in name}


def test_a_labelled_worker_is_labelled_before_it_takes_notebooks(graph_of: GraphOf) -> None:
    graph = graph_of(workers="2", workerLabels='{"worker-1": "gpu=a100"}')
    labelled = graph["workers-worker-1-labels"]
    assert labelled.inputs["create"] == "docker node update --label-add gpu=a100 workers-worker-1-join-stdout"
    assert "workers-worker-1-join" in labelled.depends_on
    assert "workers-worker-1-labels" in graph["workers-worker-1-active"].depends_on
    assert "workers-worker-0-labels" not in graph.names()
