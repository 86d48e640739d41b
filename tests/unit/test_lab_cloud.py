"""The cloud's pure parts: preflight, the container's command line, remedies, configuration files."""

from __future__ import annotations

import configparser
import io
import re
import tarfile
import tomllib
from pathlib import Path
from string import Template

import pytest

from lab import cloud_container, cloud_host, cloud_probe
from lab.process import LabError

CLOUD = Path(__file__).parents[2] / "lab" / "cloud"
GB = 1024**3
PLAN = cloud_container.Plan(
    image="jupyterhub-swarm/cloud:abc", address="172.30.0.2", floating="172.24.4.0/24", mtu=1400, dns="10.0.0.53,10.0.0.54",
    kvm=False, privilege=cloud_probe.PRIVILEGED,
)  # fmt: skip


def machine(**changes: object) -> cloud_host.Machine:
    fit: dict[str, object] = {
        "user": 0, "architecture": "x86_64", "has_docker": True, "has_apt": True, "memory": 20 * GB, "disks": {"/": 60 * GB},
    }  # fmt: skip
    return cloud_host.Machine(**{**fit, **changes})  # type: ignore[arg-type]


def container(**changes: object) -> cloud_container.Container:
    fit: dict[str, object] = {
        "image": "x", "running": True, "paused": False, "labels": {}, "address": "172.30.0.2", "age": 500.0, "machines": 0,
        "report": {"ready": True},
    }  # fmt: skip
    return cloud_container.Container(**{**fit, **changes})  # type: ignore[arg-type]


def test_a_fit_machine_has_no_problem() -> None:
    assert cloud_host.problems(machine(), runs=False) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user": 1000}, "needs root.*sudo"),
        ({"architecture": "aarch64"}, "x86_64.*aarch64"),
        ({"has_docker": False, "has_apt": False}, "install Docker 20.10"),
        ({"memory": 8 * GB}, "8.0 GB of memory are free, the lab needs 10"),
        ({"disks": {"/var/lib": 12 * GB, "/home": 90 * GB}}, "12.0 GB of disk are free at /var/lib, the lab needs 25"),
    ],
)
def test_each_lack_is_named_with_value_need_and_remedy(changes: dict[str, object], said: str) -> None:
    (problem,) = cloud_host.problems(machine(**changes), runs=False)
    assert re.search(said, problem)


def test_all_lacks_are_named_at_once() -> None:
    assert len(cloud_host.problems(machine(user=1, memory=GB, disks={"/": GB}), runs=False)) == 3


def test_a_running_lab_is_not_asked_for_the_memory_that_it_uses() -> None:
    assert cloud_host.problems(machine(memory=GB, disks={"/": GB}), runs=True) == []


def test_docker_missing_is_no_problem_where_apt_can_install_it() -> None:
    assert cloud_host.problems(machine(has_docker=False), runs=False) == []


def test_a_changed_kernel_setting_is_noted_and_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forwarding = tmp_path / "ip_forward"
    forwarding.write_text("0\n")
    monkeypatch.setattr(cloud_host, "FORWARDING", forwarding)
    monkeypatch.setattr(cloud_host, "BRIDGE_FILTER", tmp_path)
    monkeypatch.setattr(cloud_host, "TUN", tmp_path)
    facts: dict[str, object] = {}
    saved: list[object] = []
    cloud_host.prepare(facts, saved.append)
    assert forwarding.read_text() == "1"
    assert facts == {"undo": {"ip_forward": "0"}}
    assert saved
    cloud_host.prepare(facts, saved.append)
    assert facts == {"undo": {"ip_forward": "0"}}, "a second start must not take its own value for the old one"
    cloud_host.undo(facts)
    assert forwarding.read_text() == "0"
    assert facts == {}


def test_the_container_is_started_with_its_address_labels_and_settings() -> None:
    assert cloud_container.run_command(PLAN, "f00d") == [
        "docker", "run", "--detach", "--name", "jupyterhub-swarm-lab", "--hostname", "lab", "--privileged",
        "--network", "jupyterhub-swarm-lab", "--ip", "172.30.0.2", "--stop-timeout", "75", "--tmpfs", "/run",
        "--volume", "jupyterhub-swarm-lab:/srv/lab",
        "--label", "jupyterhub-swarm.lab.id=f00d", "--label", "jupyterhub-swarm.lab.floating=172.24.4.0/24",
        "--label", "jupyterhub-swarm.lab.kvm=no",
        "--env", "LAB_FLOATING=172.24.4.0/24", "--env", "LAB_MTU=1400", "--env", "LAB_DNS=10.0.0.53,10.0.0.54",
        "--env", "LAB_VIRT=qemu",
        "jupyterhub-swarm/cloud:abc",
    ]  # fmt: skip


def test_kvm_is_handed_over_by_name_where_the_container_is_not_privileged() -> None:
    assert cloud_probe.kvm_device(True, cloud_probe.CAPABILITIES) == ("--device", "/dev/kvm")
    assert cloud_probe.kvm_device(True, cloud_probe.PRIVILEGED) == ()
    assert cloud_probe.kvm_device(False, cloud_probe.CAPABILITIES) == ()


def test_lab_kvm_decides_without_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    for wish, expected in (("0", False), ("1", True)):
        monkeypatch.setenv("LAB_KVM", wish)
        assert cloud_probe.choose_kvm("no-such-image", ())[0] is expected
    monkeypatch.setenv("LAB_KVM", "maybe")
    with pytest.raises(LabError, match="LAB_KVM='maybe'"):
        cloud_probe.choose_kvm("no-such-image", ())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, ["create"]),
        (container(), []),
        (container(report={"ready": False}), ["wait", "restart", "create"]),
        (container(report={"ready": False}, machines=2), ["wait", "restart"]),
        (container(running=False, report={}), ["start", "restart", "create"]),
        (container(running=False, report={}, machines=None), ["start", "restart", "create"]),
        (container(paused=True), ["unpause", "restart", "create"]),
    ],
)
def test_a_sick_cloud_is_made_anew_only_if_that_loses_no_machine(
    found: cloud_container.Container | None, expected: list[str]
) -> None:
    assert cloud_container.remedies(found) == expected


def test_what_docker_copies_out_is_read_by_file_name() -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in (("lab/glance.log", b"one\ntwo\n"), ("lab/machines", b"3\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    assert cloud_container.files_of_tar(data.getvalue()) == {"glance": "one\ntwo\n", "machines": "3\n"}


def test_a_long_wait_names_only_the_first_few() -> None:
    assert cloud_container.waiting({"waiting": list("abcdef")}) == "a, b, c, d and 2 more"


def test_each_service_needs_only_services_that_exist_and_come_before_it() -> None:
    services = tomllib.loads((CLOUD / "recipe" / "services.toml").read_text())
    before: set[str] = set()
    for name, table in services.items():
        assert set(table.get("needs", [])) <= before, name
        assert set(table) <= {"command", "needs", "port", "socket", "once", "stop", "env"}, name
        before.add(name)


@pytest.mark.parametrize("path", sorted((CLOUD / "config").rglob("*.conf")), ids=lambda path: path.name)
def test_each_configuration_file_has_only_known_placeholders(path: Path) -> None:
    known = {"address", "mtu", "dns", "virt_type", "cpu", "database", "socket", "rabbit", "identity"}
    text = path.read_text()
    assert set(Template(text).get_identifiers()) <= known
    rendered = Template(text).substitute(dict.fromkeys(known, "key = value"))
    if path.parent.name not in ("rabbitmq", "libvirt"):
        configparser.RawConfigParser(strict=False, allow_no_value=True).read_string(rendered)
