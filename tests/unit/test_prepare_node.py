"""cloud-init/prepare-node.sh, run on a bare host whose apt, systemd and dpkg only keep a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.cloud_init import SOURCE
from tests.unit.fake_host import FakeHost

# program → the Debian and Ubuntu package that brings it
NEEDED = {
    "dockerd": "docker.io",
    "apparmor_parser": "apparmor",
    "mount.nfs": "nfs-common",
    "mkfs.xfs": "xfsprogs",
    "curl": "curl",
    "openssl": "openssl",
}
LINE = f"/bin/bash '{SOURCE / 'prepare-node.sh'}' debian"
APT = "apt-get -o DPkg::Lock::Timeout=900"


@pytest.fixture
def bare(tmp_path: Path) -> FakeHost:
    """A host with nothing but what every Debian has."""
    host = FakeHost(tmp_path, bare=True)
    host.keep("grep")
    for name in ("apt-get", "systemctl", "apt-mark", "usermod"):
        host.program(name)
    host.program("dpkg-query", 'case "${@: -1}" in docker.io|containerd) echo "install ok installed" ;; *) exit 1 ;; esac')
    return host


def with_programs(host: FakeHost, *missing: str) -> FakeHost:
    """The host with everything that a node needs, but what is missing."""
    for name in set(NEEDED) - set(missing):
        host.program(name)
    return host


def test_on_an_image_that_has_everything_apt_does_not_run(bare: FakeHost) -> None:
    assert with_programs(bare).run(LINE).returncode == 0
    assert bare.calls("apt-get") == []


@pytest.mark.parametrize("program", NEEDED)
def test_apt_is_asked_for_exactly_the_package_that_is_missing(bare: FakeHost, program: str) -> None:
    assert with_programs(bare, program).run(LINE).returncode == 0
    assert bare.calls("apt-get") == [f"{APT} update", f"{APT} install -y --no-install-recommends {NEEDED[program]}"]


def test_on_a_plain_image_apt_is_asked_once_for_all_packages(bare: FakeHost) -> None:
    assert bare.run(LINE).returncode == 0
    assert bare.calls("apt-get") == [f"{APT} update", f"{APT} install -y --no-install-recommends {' '.join(NEEDED.values())}"]


def test_docker_is_started_and_its_user_may_use_it(bare: FakeHost) -> None:
    assert with_programs(bare).run(LINE).returncode == 0
    assert bare.calls("systemctl") == ["systemctl enable --now docker"]
    assert bare.calls("usermod") == ["usermod -aG docker debian"]


def test_the_engines_that_are_installed_are_held_and_no_others(bare: FakeHost) -> None:
    assert with_programs(bare).run(LINE).returncode == 0
    assert bare.calls("apt-mark") == ["apt-mark hold docker.io", "apt-mark hold containerd"]


def test_a_failing_apt_ends_the_script_before_it_touches_docker(bare: FakeHost) -> None:
    bare.program("apt-get", "echo 'E: Unable to locate package' >&2; exit 100")
    done = bare.run(LINE)
    assert done.returncode == 100
    assert "Unable to locate package" in done.stderr
    assert bare.calls("systemctl") == bare.calls("usermod") == []


def test_without_a_user_the_script_does_nothing(bare: FakeHost) -> None:
    done = with_programs(bare).run(LINE.removesuffix(" debian"))
    assert done.returncode != 0
    assert bare.calls() == []


def test_running_it_again_does_the_same_and_harms_nothing(bare: FakeHost) -> None:
    first, second = with_programs(bare).run(LINE), bare.run(LINE)
    calls = bare.calls()
    assert first.returncode == second.returncode == 0
    assert calls[: len(calls) // 2] == calls[len(calls) // 2 :]
