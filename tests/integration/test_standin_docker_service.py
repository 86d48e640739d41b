"""Services of a real swarm, by the real Pulumi engine: one table for the stand-in and the vendor's plugin."""

import base64
from typing import Any

from tests.integration.docker_engine import IMAGE, OTHER_IMAGE, WAIT_COMMAND
from tests.integration.docker_programs import Resource, Swarm, changed, service

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("docker",)

CONTAINER = "task_spec__container_spec__"
OBJECTS: list[Resource] = [
    ("Network", "net", {"name": "net", "driver": "overlay"}),
    ("Network", "other-net", {"name": "other-net", "driver": "overlay"}),
    ("ServiceConfig", "conf", {"name": "conf", "data": base64.b64encode(b"configured").decode()}),
    ("Secret", "sec", {"name": "sec", "data": base64.b64encode(b"hidden").decode()}),
]
CONTAINER_FIELDS: dict[str, Any] = {
    "image": IMAGE,
    "commands": WAIT_COMMAND,
    "env": {"ONE": "1", "EQUALS": "a=b"},
    "user": "0",
    "dir": "/tmp",
    "hostname": "box",
    "labels": [{"label": "part", "value": "web"}],
    "groups": ["7"],
    "read_only": True,
    "init": True,
    "stop_signal": "SIGTERM",
    "stop_grace_period": "20s",
    "sysctl": {"net.ipv4.tcp_keepalive_time": "120"},
    "cap_drops": ["CAP_NET_RAW"],
    "hosts": [{"host": "elsewhere", "ip": "10.9.8.7"}],
    "dns_config": {"nameservers": ["127.0.0.11"], "searches": ["lab"], "options": ["ndots:1"]},
    "healthcheck": {"tests": ["CMD", "true"], "interval": "2s", "timeout": "1s", "retries": 2},
    "configs": [{"config_id": "@conf", "config_name": "conf", "file_name": "/conf"}],
    "secrets": [{"secret_id": "@sec", "secret_name": "sec", "file_name": "sec", "file_mode": 0o400}],
    "mounts": [
        {"type": "volume", "source": "data", "target": "/data"},
        {"type": "bind", "source": "/proc/version", "target": "/kernel", "read_only": True},
        {"type": "bind", "source": "/proc/stat", "target": "/stat", "bind_options": {"propagation": "rprivate"}},
        {"type": "tmpfs", "target": "/scratch", "tmpfs_options": {"size_bytes": 1048576, "mode": 0o700}},
        {
            "type": "volume",
            "source": "opts",
            "target": "/opts",
            "volume_options": {
                "driver_name": "local",
                "driver_options": {"type": "tmpfs", "device": "tmpfs"},
                "labels": [{"label": "kept", "value": "no"}],
            },
        },
    ],
}
FULL: dict[str, Any] = {
    "name": "web",
    "labels": [{"label": "tier", "value": "front"}],
    "mode": {"replicated": {"replicas": 1}},
    "endpoint_spec": {
        "mode": "dnsrr",
        "ports": [{"protocol": "tcp", "target_port": 80, "published_port": 8080, "publish_mode": "host"}],
    },
    "update_config": {"parallelism": 1, "delay": "1s", "monitor": "2s", "order": "stop-first"},
    "rollback_config": {"order": "stop-first"},
    "converge_config": {"delay": "1s", "timeout": "30s"},
    "task_spec": {
        "container_spec": CONTAINER_FIELDS,
        "networks_advanceds": [{"id": "@net", "aliases": ["www"]}],
        "placement": {"constraints": ["node.role==manager"], "prefs": ["spread=node.labels.rack"], "max_replicas": 4},
        "resources": {
            "limits": {"memory_bytes": 64 << 20, "nano_cpus": 500_000_000},
            "reservation": {"memory_bytes": 8 << 20},
        },
        "restart_policy": {"condition": "any", "delay": "2s", "max_attempts": 0, "window": "5s"},
        "log_driver": {"name": "json-file", "options": {"max-size": "1m"}},
        "force_update": 0,
        "runtime": "container",
    },
}


def full(**changes: Any) -> Resource:
    return ("Service", "web", changed(FULL, **changes))


def running(swarm: Swarm, name: str = "web") -> str:
    return swarm.engine.docker("ps", "-q", "-f", f"label=com.docker.swarm.service.name={name}").split()[0]


def test_a_service_with_every_field_runs_and_settles(swarm: Swarm) -> None:
    swarm.declare(*OBJECTS, full())
    made = swarm.pulumi.up().expect_ok()
    spec = swarm.engine.inspect("service", "web")["Spec"]
    container, task = spec["TaskTemplate"]["ContainerSpec"], spec["TaskTemplate"]
    assert sorted(container["Env"]) == ["EQUALS=a=b", "ONE=1"]
    assert container["StopGracePeriod"] == 20_000_000_000
    assert {mount["Target"]: mount["Type"] for mount in container["Mounts"]} == {
        "/data": "volume",
        "/kernel": "bind",
        "/stat": "bind",
        "/scratch": "tmpfs",
        "/opts": "volume",
    }
    assert task["Resources"]["Limits"] == {"NanoCPUs": 500_000_000, "MemoryBytes": 64 << 20}
    assert task["RestartPolicy"] == {"Condition": "any", "Delay": 2_000_000_000, "MaxAttempts": 0, "Window": 5_000_000_000}
    assert task["Networks"] == [{"Target": made.resource("net")["id"], "Aliases": ["www"]}]
    assert spec["EndpointSpec"]["Mode"] == "dnsrr"
    seen = swarm.engine.docker("exec", running(swarm), "sh", "-c", "cat /conf /run/secrets/sec; echo $ONE; id")
    assert seen.splitlines()[0] == "configuredhidden1"
    assert "groups=0(root),7" in seen.replace("7(lp)", "7") or "groups=0,7" in seen
    swarm.expect_settled()
    update_and_scale(swarm)
    assert swarm.pulumi.destroy().expect_ok().changes == {"delete": 7}
    swarm.expect_nothing_left()
    assert swarm.engine.names("container") == []


def update_and_scale(swarm: Swarm) -> None:
    """Changes that stay in place, and those that do not."""
    before = swarm.engine.inspect("service", "web")
    swarm.declare(*OBJECTS, full(**{f"{CONTAINER}env": {"ONE": "2"}, "mode__replicated__replicas": 2, "endpoint_spec": None}))
    planned = swarm.pulumi.preview().expect_ok().step("web")
    assert planned.op == "update"
    assert planned.diff == {
        "mode.replicated.replicas": "update",
        "taskSpec.containerSpec.env.EQUALS": "delete",
        "taskSpec.containerSpec.env.ONE": "update",
    }
    swarm.declare(*OBJECTS, full(**{f"{CONTAINER}env": {"ONE": "2"}, "labels": [{"label": "tier", "value": "back"}]}))
    assert swarm.pulumi.up().expect_ok().changes == {"update": 1}
    after = swarm.engine.inspect("service", "web")
    assert (after["ID"], after["Spec"]["Labels"]) == (before["ID"], {"tier": "back"})
    assert after["Version"]["Index"] > before["Version"]["Index"]
    assert swarm.engine.docker("exec", running(swarm), "sh", "-c", "echo $ONE$EQUALS") == "2"
    replacing: list[dict[str, Any]] = [
        {"name": "other"},
        {f"{CONTAINER}labels": []},
        {f"{CONTAINER}hosts": None},
        {f"{CONTAINER}sysctl": {"net.ipv4.tcp_keepalive_time": "60"}},
        {"task_spec__networks_advanceds": [{"id": "@other-net"}]},
    ]
    for change in replacing:
        swarm.declare(*OBJECTS, full(**change))
        assert swarm.pulumi.preview().expect_ok().step("web").op == "replace", change
    # The last of them is done too: the service goes before its replacement comes, since it has the name and the port.
    assert swarm.pulumi.up().expect_ok().changes == {"delete-replaced": 1, "replace": 1, "create-replacement": 1}
    assert swarm.engine.inspect("service", "web")["ID"] != before["ID"]
    assert swarm.pulumi.preview(refresh=True).expect_ok().changes == {}


def test_what_was_changed_by_hand_is_found_and_put_right(swarm: Swarm) -> None:
    swarm.declare(*OBJECTS, full())
    swarm.pulumi.up().expect_ok()
    by_hand = f"--image {OTHER_IMAGE} --env-add TWO=2 --limit-memory 32m --label-add extra=1 --replicas 2"
    more = ["--mount-add", "type=volume,source=x,target=/x", "--publish-add", "mode=host,target=81,published=8081"]
    swarm.engine.docker("service", "update", "-d", *by_hand.split(), *more, "web")
    found = next(step for step in swarm.pulumi.preview(refresh=True).expect_ok().steps if step.op == "update")
    assert {path.split("[")[0] for path in found.diff} == {
        "endpointSpec.ports",
        "labels",
        "mode.replicated.replicas",
        "taskSpec.containerSpec.env.TWO",
        "taskSpec.containerSpec.image",
        "taskSpec.containerSpec.mounts",
        "taskSpec.resources.limits.memoryBytes",
    }
    assert swarm.pulumi.up(refresh=True).expect_ok().changes == {"update": 1}
    spec = swarm.engine.inspect("service", "web")["Spec"]
    assert spec["TaskTemplate"]["ContainerSpec"]["Image"] == IMAGE
    assert spec["Labels"] == {"tier": "front"}
    assert swarm.pulumi.preview(refresh=True).expect_ok().changes == {}
    swarm.engine.docker("service", "rm", "web")
    assert swarm.pulumi.up(refresh=True).expect_ok().changes == {"create": 1}
    swarm.pulumi.destroy().expect_ok()


def test_a_bare_service_settles(swarm: Swarm) -> None:
    swarm.declare(service("bare"), service("everywhere", mode={"global": True}, converge_config=None))
    made = swarm.pulumi.up().expect_ok()
    assert made.resource("everywhere")["outputs"]["mode"]["global"] is True
    outputs = made.resource("bare")["outputs"]
    assert outputs["endpointSpec"]["mode"] == "vip"
    assert outputs["mode"]["replicated"]["replicas"] == 1
    swarm.expect_settled()
    swarm.pulumi.destroy().expect_ok()
