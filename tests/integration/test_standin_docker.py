"""Networks, volumes, configs and secrets of a real swarm, by the real Pulumi engine.

One table for the stand-in and the vendor's plugin.
"""

import base64
import re

from tests.integration.docker_programs import Resource, Swarm
from tests.integration.workspace import Result

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("docker",)

SECRET_TEXT = "secret-4711-of-the-swarm"
MTU = {"com.docker.network.driver.mtu": "1400"}
GATEWAY = [{"subnet": "10.203.0.0/22", "gateway": "10.203.0.1", "ip_range": "10.203.1.0/24"}]
LABELS = [{"label": "b", "value": "2"}, {"label": "a", "value": "1"}]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


NETWORK: Resource = (
    "Network",
    "net",
    {
        "name": "net",
        "driver": "overlay",
        "attachable": True,
        "internal": True,
        "labels": LABELS,
        "options": MTU,
        "ipam_configs": GATEWAY,
        "ignore_changes": ["options"],
    },
)
VOLUME: Resource = (
    "Volume",
    "vol",
    {
        "name": "vol",
        "driver": "local",
        "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        "labels": LABELS,
    },
)
CONFIG: Resource = ("ServiceConfig", "conf", {"name": "conf", "data": encoded("hello\n")})
SECRET: Resource = ("Secret", "sec", {"name": "sec", "data": encoded(SECRET_TEXT), "labels": LABELS})


def test_objects_are_made_read_back_and_removed(swarm: Swarm) -> None:
    swarm.declare(NETWORK, VOLUME, CONFIG, SECRET)
    assert swarm.pulumi.preview().expect_ok().changes == {"create": 6}
    made = swarm.pulumi.up().expect_ok()
    network = swarm.engine.inspect("network", "net")
    assert (network["Driver"], network["Attachable"], network["Internal"]) == ("overlay", True, True)
    assert network["IPAM"]["Config"] == [{"Subnet": "10.203.0.0/22", "IPRange": "10.203.1.0/24", "Gateway": "10.203.0.1"}]
    assert network["Labels"] == {"a": "1", "b": "2"}
    outputs = made.resource("net")["outputs"]
    assert made.resource("net")["id"] == network["Id"]
    assert outputs["scope"] == "swarm"
    assert outputs["options"] == network["Options"]
    assert set(outputs["options"]) > set(MTU), "the daemon adds the network's VXLAN id"
    volume = swarm.engine.inspect("volume", "vol")
    assert volume["Options"] == VOLUME[2]["driver_opts"]
    assert made.resource("vol")["outputs"]["mountpoint"] == volume["Mountpoint"]
    assert base64.b64decode(swarm.engine.inspect("config", "conf")["Spec"]["Data"]) == b"hello\n"
    assert swarm.engine.inspect("secret", "sec")["ID"] == made.resource("sec")["id"]
    expect_secrecy(swarm, made)
    swarm.expect_settled()
    assert swarm.pulumi.destroy().expect_ok().changes == {"delete": 6}
    swarm.expect_nothing_left(("network", "volume", "config", "secret"))


def expect_secrecy(swarm: Swarm, made: Result) -> None:
    """The secret's data is encrypted in the state, and in nothing that was said or written."""
    assert "ciphertext" in made.resource("sec")["inputs"]["data"]
    assert "ciphertext" in made.resource("sec")["outputs"]["data"]
    places = [made.output, made.events, *(path.read_text() for path in swarm.pulumi.files())]
    assert any("ciphertext" in place for place in places)
    for hidden in (SECRET_TEXT, encoded(SECRET_TEXT)):
        assert not any(hidden in place for place in places)


# Each by a resource of its own: type, arguments before, what is changed, the property that is to make a new object.
CHANGES: list[tuple[str, dict[str, object], dict[str, object], str]] = [
    ("Network", {"attachable": True}, {"attachable": False}, "attachable"),
    ("Network", {"labels": LABELS}, {"labels": LABELS[:1]}, "labels"),
    (
        "Network",
        {"ipam_configs": GATEWAY},
        {"ipam_configs": [{"subnet": "10.204.0.0/22", "gateway": "10.204.0.1"}]},
        "ipamConfigs",
    ),
    ("Network", {"options": MTU}, {}, "options"),
    ("Network", {"name": "before"}, {"name": "after"}, "name"),
    ("Volume", {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}, {"driver_opts": {}}, "driverOpts"),
    ("ServiceConfig", {"data": encoded("1")}, {"data": encoded("2")}, "data"),
    ("Secret", {"data": encoded("1")}, {"data": encoded("2")}, "data"),
]


def test_any_change_makes_a_new_object(swarm: Swarm) -> None:
    before: list[Resource] = []
    after: list[Resource] = []
    for place, (kind, given, change, _) in enumerate(CHANGES):
        name = f"{kind.lower()}-{place}"
        arguments = {"name": name, **({"driver": "overlay"} if kind == "Network" else {}), **given}
        before.append((kind, name, arguments))
        after.append((kind, name, {**arguments, **change}))
    swarm.declare(*before)
    first = swarm.pulumi.up().expect_ok()
    swarm.declare(*after)
    planned = swarm.pulumi.preview().expect_ok()
    for (_, name, _), (_, _, _, changed) in zip(after, CHANGES, strict=True):
        step = planned.step(name)
        assert (step.op, {re.split(r"[.\[]", path)[0] for path in step.diff}) == ("replace", {changed}), name
        assert all(difference.endswith("-replace") for difference in step.diff.values()), step
    # The options that the daemon added are a change for ever; the tests of networks that stay ignore them.
    second = swarm.pulumi.up().expect_ok()
    assert second.changes == {"delete-replaced": 8, "replace": 8, "create-replacement": 8}
    for kind, name, _ in after:
        assert kind == "Volume" or first.resource(name)["id"] != second.resource(name)["id"]
    swarm.pulumi.destroy().expect_ok()


def test_what_was_removed_by_hand_is_made_again(swarm: Swarm) -> None:
    swarm.declare(NETWORK, VOLUME, CONFIG, SECRET)
    swarm.pulumi.up().expect_ok()
    for kind, name in (("network", "net"), ("volume", "vol"), ("config", "conf"), ("secret", "sec")):
        swarm.engine.docker(kind, "rm", name)
    swarm.engine.docker("volume", "create", "--label", "a=1", "--label", "b=2", "vol")
    found = swarm.pulumi.preview(refresh=True).expect_ok()
    assert found.step("vol").op == "replace"
    assert {path.split(".")[0] for path in found.step("vol").diff} == {"driverOpts"}
    changes = {"create": 3, "delete-replaced": 1, "replace": 1, "create-replacement": 1}
    assert swarm.pulumi.up(refresh=True).expect_ok().changes == changes
    assert swarm.engine.inspect("volume", "vol")["Options"] == VOLUME[2]["driver_opts"]
    swarm.pulumi.destroy().expect_ok()
    swarm.expect_nothing_left(("network", "volume", "config", "secret"))


def test_a_name_left_out_is_made_up_and_kept(swarm: Swarm) -> None:
    bare: list[Resource] = [
        ("Network", "auto-net", {"driver": "overlay"}),
        ("Volume", "auto-vol", {}),
        ("ServiceConfig", "auto-conf", {"data": encoded("1")}),
        ("Secret", "auto-sec", {"data": encoded("1")}),
    ]
    swarm.declare(*bare)
    made = swarm.pulumi.up().expect_ok()
    names = {name: made.resource(name)["outputs"]["name"] for _, name, _ in bare}
    assert all(re.fullmatch(rf"{name}-[0-9a-f]{{7}}", given) for name, given in names.items())
    assert swarm.pulumi.preview(refresh=True).expect_ok().changes == {}
    swarm.declare(*bare[:2], ("ServiceConfig", "auto-conf", {"data": encoded("2")}), bare[3])
    replaced = swarm.pulumi.up().expect_ok()
    assert replaced.changes == {"create-replacement": 1, "replace": 1, "delete-replaced": 1}
    assert replaced.resource("auto-conf")["outputs"]["name"] not in names.values()
    swarm.pulumi.destroy().expect_ok()
