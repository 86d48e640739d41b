"""From a program's inputs to Docker's API and back: nothing gets lost, and what Docker shows changes nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin.docker_diff import changes
from standin.docker_fields import ApiFields, check_rules
from standin.docker_mapping import expand, flatten
from standin.docker_service import service_spec, shown_spec
from standin.docker_service_tables import SERVICE
from standin.docker_state import applied, as_inputs, completed, matches, planned
from standin.docker_tables import CONFIG, NETWORK, SECRET, VOLUME
from standin.fields import check_fields

from tests.unit import docker_values

TABLES: dict[str, ApiFields] = {
    "network": NETWORK,
    "volume": VOLUME,
    "config": CONFIG,
    "secret": SECRET,
    "service": SERVICE,
}
MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def given_inputs(data: st.DataObject, fields: ApiFields) -> dict[str, Any]:
    """Inputs after the check, which adds defaults."""
    checked = check_fields("a type", fields, data.draw(docker_values.inputs(fields)))
    check_rules(fields, checked)
    return checked


def through_the_api(fields: ApiFields, inputs: dict[str, Any]) -> dict[str, Any]:
    """What is read after the inputs were sent, as JSON, and kept as they are."""
    plan = planned(fields, inputs, {})
    sent = json.loads(json.dumps(expand(fields, plan)))
    return applied(fields, flatten(fields, sent), plan)


@pytest.mark.parametrize("name", TABLES)
@MANY
@given(data=st.data())
def test_inputs_come_back_as_they_were(name: str, data: st.DataObject) -> None:
    fields = TABLES[name]
    inputs = given_inputs(data, fields)
    state = through_the_api(fields, inputs)
    back = as_inputs(fields, inputs, state)
    assert set(back) == set(inputs)
    for key, field in fields.items():
        assert matches(field, back.get(key), inputs.get(key)), key


@pytest.mark.parametrize("name", TABLES)
@MANY
@given(data=st.data())
def test_a_second_run_finds_no_change(name: str, data: st.DataObject) -> None:
    fields = TABLES[name]
    inputs = given_inputs(data, fields)
    state = through_the_api(fields, inputs)
    assert changes(fields, state, planned(fields, inputs, state)) == []
    refreshed = completed(fields, flatten(fields, json.loads(json.dumps(expand(fields, state)))), state)
    assert changes(fields, refreshed, planned(fields, inputs, refreshed)) == []


@pytest.mark.parametrize("name", TABLES)
@MANY
@given(data=st.data())
def test_other_inputs_are_a_change_and_the_same_in_another_order_are_none(name: str, data: st.DataObject) -> None:
    fields = TABLES[name]
    first, second = given_inputs(data, fields), given_inputs(data, fields)
    state = through_the_api(fields, first)
    differs = any(not matches(field, planned(fields, second, state).get(key), state.get(key)) for key, field in fields.items())
    assert bool(changes(fields, state, planned(fields, second, state))) == differs
    turned = {key: value[::-1] if isinstance(value, list) and fields[key].unordered else value for key, value in first.items()}
    assert changes(fields, state, planned(fields, turned, state)) == []


MINIMAL: dict[str, Any] = {"name": "web", "taskSpec": {"containerSpec": {"image": "box:1"}}}


def test_what_is_sent_for_a_bare_service_is_what_the_vendors_plugin_sends() -> None:
    assert service_spec(planned(SERVICE, check_fields("a service", SERVICE, MINIMAL), {})) == {
        "Name": "web",
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "box:1",
                "Isolation": "default",
                "StopGracePeriod": 0,
                "Healthcheck": {},
                "DNSConfig": {},
                "Init": False,
            },
            "Resources": {},
            "RestartPolicy": {},
            "Placement": {},
            "ForceUpdate": 0,
        },
        "Mode": {},
        "EndpointSpec": {},
    }


def test_half_a_restart_policy_is_a_change_for_ever_as_with_the_vendors_plugin() -> None:
    inputs = check_fields("a service", SERVICE, changed_task({"restartPolicy": {"condition": "any", "delay": "2s"}}))
    state = through_the_api(SERVICE, inputs)
    found = changes(SERVICE, state, planned(SERVICE, inputs, state))
    assert [change.path for change in found] == [("taskSpec", "restartPolicy", "window")]


def changed_task(parts: dict[str, Any]) -> dict[str, Any]:
    """The minimal service with more in its task."""
    return {**MINIMAL, "taskSpec": {**MINIMAL["taskSpec"], **parts}}


def test_a_mount_with_a_driver_is_nested_as_docker_wants_it() -> None:
    options = {"driverName": "local", "driverOptions": {"type": "nfs", "o": "addr=10.0.0.2"}, "noCopy": True}
    mount = {"type": "volume", "source": "home", "target": "/home", "volumeOptions": options}
    container = {"image": "box:1", "mounts": [mount]}
    sent = expand(SERVICE, {"taskSpec": {"containerSpec": container}})
    assert sent["TaskTemplate"]["ContainerSpec"]["Mounts"] == [
        {
            "Type": "volume",
            "Source": "home",
            "Target": "/home",
            "VolumeOptions": {
                "NoCopy": True,
                "DriverConfig": {"Name": "local", "Options": {"type": "nfs", "o": "addr=10.0.0.2"}},
            },
        }
    ]


def test_the_ports_that_the_swarm_chose_are_read() -> None:
    spec = {"Name": "web", "EndpointSpec": {"Mode": "vip", "Ports": [{"TargetPort": 80}]}}
    chosen = [{"TargetPort": 80, "PublishedPort": 30001, "Protocol": "tcp", "PublishMode": "ingress"}]
    shown = shown_spec({"Spec": spec, "Endpoint": {"Spec": {"Mode": "vip"}, "Ports": chosen}})
    assert shown is not None
    assert shown["EndpointSpec"] == {"Mode": "vip", "Ports": chosen}
    assert shown_spec({"Spec": spec, "Endpoint": {"Spec": {}}}) == spec
    assert shown_spec({"Spec": {"EndpointSpec": {}}, "Endpoint": {"Spec": {}}}) is None
