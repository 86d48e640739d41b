"""What the docker stand-in calls a change, what it refuses, and what a preview knows."""

from typing import Any

import pytest
from standin.context import Context
from standin.docker_connection import DockerApi
from standin.docker_objects import Network, Secret, ServiceConfig, Volume, is_allocated
from standin.docker_resource import DockerResource
from standin.docker_service import Service
from standin.docker_state import as_inputs, completed
from standin.errors import InvalidInput
from standin.values import UNKNOWN, format_path

LABEL_A, LABEL_B = {"label": "a", "value": "1"}, {"label": "b", "value": "2"}


def context(token: str = "docker:index/service:Service") -> Context[DockerApi]:
    return Context(f"urn:pulumi:dev::unit::{token}::web", token, None, lambda _message: None)


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "taskSpec": {"containerSpec": {"image": "box:1", **fields}}}


def differences(kind: DockerResource, outputs: dict[str, Any], inputs: dict[str, Any]) -> dict[str, str]:
    """The changed paths, with how."""
    found = kind.diff(context(), {}, outputs, kind.check(context(), inputs, {}))
    marks = {change: "-replace" if change.replaces else "" for change in found.changes}
    return {format_path(change.path): change.kind.value + mark for change, mark in marks.items()}


def test_a_network_found_with_more_than_was_asked_for_is_replaced() -> None:
    outputs = {
        "name": "net",
        "driver": "overlay",
        "ipamDriver": "default",
        "options": {"com.docker.network.driver.mtu": "1400", "com.docker.network.driver.overlay.vxlanid_list": "4097"},
        "ipamConfigs": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "ipRange": ""}],
    }
    bare = {"name": "net", "driver": "overlay"}
    assert differences(Network(), outputs, bare) == {}, "what was left out is as it is"
    assert differences(Network(), outputs, {**bare, "options": {"com.docker.network.driver.mtu": "1400"}}) == {
        'options["com.docker.network.driver.overlay.vxlanid_list"]': "delete-replace"
    }
    assert differences(Network(), outputs, {**bare, "ipamConfigs": [{"subnet": "10.1.0.0/24"}]}) == {
        "ipamConfigs[0]": "update-replace"
    }


def test_the_order_of_labels_is_no_change_and_a_label_less_is_one() -> None:
    outputs = container(isolation="default", labels=[LABEL_A, LABEL_B])
    assert differences(Service(), outputs, container(labels=[LABEL_B, LABEL_A])) == {}
    assert differences(Service(), outputs, container(labels=[LABEL_B])) == {"taskSpec.containerSpec.labels[0]": "delete-replace"}


def test_the_order_of_arguments_is_a_change() -> None:
    outputs = container(isolation="default", args=["a", "b"])
    assert differences(Service(), outputs, container(args=["b", "a"])) == {
        "taskSpec.containerSpec.args[0]": "update",
        "taskSpec.containerSpec.args[1]": "update",
    }


def test_an_empty_value_is_the_same_as_none_but_for_the_key_of_a_map() -> None:
    outputs = container(isolation="default", dir="", readOnly=False, env={}, mounts=[], args=[])
    assert differences(Service(), outputs, container()) == {}
    assert differences(Service(), outputs, container(env={"A": ""})) == {"taskSpec.containerSpec.env.A": "add"}


def test_replicas_change_in_place() -> None:
    outputs = {**container(isolation="default"), "mode": {"replicated": {"replicas": 1}, "global": False}}
    inputs = {**container(), "mode": {"replicated": {"replicas": 0}}}
    assert differences(Service(), outputs, inputs) == {"mode.replicated.replicas": "update"}


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    outputs = container(isolation="default", configs=[{"configId": "1", "fileName": "/f"}])
    inputs = container(configs=[{"configId": UNKNOWN, "fileName": "/f"}])
    assert differences(Service(), outputs, inputs) == {"taskSpec.containerSpec.configs[0]": "update"}
    assert list(differences(Service(), outputs, container(env=UNKNOWN))) == [
        "taskSpec.containerSpec.env",
        "taskSpec.containerSpec.configs",
    ]


@pytest.mark.parametrize(("name", "first"), [("net", True), ("web-0123abc", False)])
def test_an_object_with_a_given_name_goes_before_its_replacement_comes(name: str, first: bool) -> None:
    outputs = {"name": name, "driver": "overlay", "ipamDriver": "default"}
    inputs = Network().check(context(), {"name": name, "driver": "bridge"}, {})
    assert Network().diff(context(), {}, outputs, inputs).delete_before_replace is first


def test_a_preview_knows_what_was_given_and_not_what_docker_decides() -> None:
    inputs = Network().check(context(), {"name": "net", "options": {"a": "b"}}, {})
    planned = Network().preview_create(context(), inputs)
    assert planned["options"] == {"a": "b"}
    assert planned["ipamConfigs"] is planned["scope"] is planned["driver"] is UNKNOWN
    task = Service().preview_create(context(), Service().check(context(), container(), {}))["taskSpec"]
    assert task["placement"] is UNKNOWN
    assert "env" not in task["containerSpec"]


def test_a_refresh_keeps_the_form_of_the_inputs() -> None:
    inputs = container(env={"A": "1", "B": "2"}, labels=[LABEL_B, LABEL_A])
    found = container(env={"A": "9", "C": "3"}, labels=[LABEL_A, LABEL_B], hostname="h", image="box:2")
    state = completed(Service.table, found, inputs)
    assert state["taskSpec"]["containerSpec"]["labels"] == [LABEL_B, LABEL_A]
    assert as_inputs(Service.table, inputs, state) == container(env={"A": "9"}, labels=[LABEL_B, LABEL_A], image="box:2")


def test_an_import_takes_what_is_neither_empty_nor_a_default() -> None:
    found = {"name": "net", "driver": "overlay", "attachable": False, "labels": [], "ipamDriver": "default", "scope": "swarm"}
    assert as_inputs(Network.table, {}, found) == {"name": "net", "driver": "overlay"}


@pytest.mark.parametrize(
    ("kind", "inputs", "path", "words"),
    [
        (Service(), container(stopGracePeriod="5"), "taskSpec.containerSpec.stopGracePeriod", "'5' is not a duration"),
        (Service(), container(healthcheck={"retries": -1}), "taskSpec.containerSpec.healthcheck.retries", "must be 0 or more"),
        (
            Service(),
            container(mounts=[{"type": "nfs", "target": "/x"}]),
            "taskSpec.containerSpec.mounts[0].type",
            "must be one of",
        ),
        (Service(), container(image=None), "taskSpec.containerSpec.image", "missing"),
        (Service(), container(secrets=[{"secretId": "1"}]), "taskSpec.containerSpec.secrets[0].fileName", "missing"),
        (Service(), container(privileges={}), "taskSpec.containerSpec.privileges", "does not know this field"),
        (Service(), {**container(), "auth": {}}, "auth", "docker:index/service:Service does not know this field"),
        (Service(), {**container(), "updateConfig": {"maxFailureRatio": "2"}}, "updateConfig.maxFailureRatio", "0.0 to 1.0"),
        (
            Service(),
            {**container(), "endpointSpec": {"ports": [{"targetPort": 70000}]}},
            "endpointSpec.ports[0].targetPort",
            "must be a port number",
        ),
        (Service(), {**container(), "mode": {"global": True}, "convergeConfig": {}}, "mode.global", "beside convergeConfig"),
        (Service(), {"name": "web"}, "taskSpec", "missing"),
        (Network(), {"name": "a b"}, "name", "must start with a letter or digit"),
        (Network(), {"ipv6": True}, "ipv6", "does not know this field"),
        (Volume(), {"driverOpts": {"size": 1}}, "driverOpts.size", "must be a text"),
        (ServiceConfig(), {}, "data", "missing"),
        (ServiceConfig(), {"data": "%%"}, "data", "must be base64"),
        (Secret(), {"data": "secret-4711"}, "data", "must be base64"),
    ],
)
def test_a_wrong_input_is_refused_by_its_path(kind: DockerResource, inputs: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        kind.check(context(), inputs, {})
    assert refused.value.path == path
    assert words in refused.value.reason
    assert "secret-4711" not in str(refused.value)


def test_a_network_is_given_by_its_id() -> None:
    inputs = container()
    inputs["taskSpec"]["networksAdvanceds"] = [{"name": "net"}]
    with pytest.raises(InvalidInput, match="give the network's id instead"):
        Service().check(context(), inputs, {})


def test_a_name_once_made_up_is_kept() -> None:
    first = Volume().check(context(), {}, {})["name"]
    assert Volume().check(context(), {}, {"name": first})["name"] == first
    assert Volume().check(context(), {}, {})["name"] != first


def test_a_network_is_ready_once_its_driver_and_options_show() -> None:
    assert not is_allocated({"Driver": "", "Options": None})
    assert not is_allocated({"Driver": "overlay", "Options": None})
    assert is_allocated({"Driver": "overlay", "Options": {"com.docker.network.driver.overlay.vxlanid_list": "4097"}})
    assert is_allocated({"Driver": "bridge", "Options": {}})
