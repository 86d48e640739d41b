"""storage/install.sh and serve-homes.sh on a bare host, and the units that they put in place."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from storage.places import Places
from tests.unit.fake_host import FakeHost
from tests.unit.storage_host import place
from tools.graph import ROOT

STORAGE = ROOT / "storage"
NEEDED = {"mkfs.xfs": "xfsprogs", "python3": "python3", "exportfs": "nfs-kernel-server", "restic": "restic"}
APT = "apt-get -o DPkg::Lock::Timeout=900"


class Node(FakeHost):
    """A host on which the scripts change only what is below `root`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, bare=True)
        self.root = folder / "root"
        self.keep("dirname", "cmp", "install", "cat", "mv", "rm", "setsid")
        for name in ("apt-get", "dpkg", "systemctl", "sync", "jupyterhub-storage"):
            self.program(name)
        place(folder / "storage", self.root)

    def has(self, *missing: str) -> Node:
        for name in set(NEEDED) - set(missing):
            self.program(name)
        return self

    def install(self, role: str = "homes") -> int:
        return self.run(f"/bin/bash storage/install.sh {role}").returncode


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A host with no more than every Debian has."""
    return Node(tmp_path)


def test_on_an_image_that_has_everything_apt_does_not_run(node: Node) -> None:
    assert node.has().install() == 0
    assert node.calls("apt-get") == []


@pytest.mark.parametrize("program", NEEDED)
def test_apt_is_asked_for_exactly_the_package_that_is_missing(node: Node, program: str) -> None:
    assert node.has(program).install() == 0
    assert node.calls("apt-get") == [f"{APT} update", f"{APT} install -y --no-install-recommends {NEEDED[program]}"]


def test_an_installation_of_packages_that_was_cut_off_is_ended_first(node: Node) -> None:
    node.program("dpkg", 'if [ "$1" = --audit ]; then echo nfs-kernel-server is unpacked only; fi')
    assert node.has("restic").install() == 0
    assert node.calls("dpkg") == ["dpkg --audit", "dpkg --configure -a"]
    assert node.calls("apt-get")[0] == f"{APT} install -y --no-install-recommends --fix-broken"
    assert node.calls("apt-get")[-1].endswith("restic")


def test_a_broken_package_of_somebody_elses_keeps_no_homes_from_being_served(node: Node) -> None:
    node.program("dpkg", 'if [ "$1" = --audit ]; then echo some-package is broken; else exit 1; fi')
    node.program("apt-get", "exit 100")
    assert node.has().install() == 0


def test_a_node_without_homes_gets_neither_server_nor_units(node: Node) -> None:
    assert node.install("") == 0
    assert node.calls("apt-get")[-1].endswith("--no-install-recommends xfsprogs python3")
    assert node.calls("systemctl") == []
    assert not [path for path in node.root.rglob("*") if path.is_file()]


def test_every_unit_and_drop_in_is_put_in_place(node: Node) -> None:
    node.has().install()
    placed = {path.relative_to(node.root).as_posix(): path for path in node.root.rglob("*") if path.is_file()}
    units = {path.name for path in STORAGE.glob("jupyterhub-*.*")}
    assert set(placed) == {
        *(f"etc/systemd/system/{unit}" for unit in units),
        "etc/systemd/system/docker.service.d/jupyterhub-homes.conf",
        "etc/systemd/system/nfs-server.service.d/jupyterhub-homes.conf",
        "etc/nfs.conf.d/jupyterhub-homes.conf",
        "usr/local/sbin/jupyterhub-storage",
    }
    assert placed["usr/local/sbin/jupyterhub-storage"].stat().st_mode & 0o777 == 0o755


def test_there_is_a_place_for_exports(node: Node) -> None:
    node.has().install()
    assert (node.root / "etc/exports.d").is_dir()


def test_the_server_of_homes_is_restarted_only_for_another_configuration(node: Node) -> None:
    node.has().install()
    assert node.calls("systemctl try-restart nfs-server") == ["systemctl try-restart nfs-server"]
    assert node.install() == 0
    assert len(node.calls("systemctl try-restart nfs-server")) == len(node.calls("systemctl daemon-reload")) == 1


@pytest.mark.parametrize("step", ["daemon-reload", "try-restart"])
def test_an_installation_that_was_cut_off_is_brought_into_effect_by_the_next(node: Node, step: str) -> None:
    node.program("systemctl", f'if [ "$1" = {step} ]; then exit 1; fi')
    assert node.has().install() != 0
    node.program("systemctl")
    before = len(node.calls("systemctl"))
    assert node.install() == 0
    assert node.calls("systemctl")[before + 1 :] == [
        "systemctl daemon-reload",
        "systemctl try-restart jupyterhub-quotas.path jupyterhub-quotas.timer",
        "systemctl try-restart nfs-server",
    ]


def test_nothing_of_older_nfs_is_left_open(node: Node) -> None:
    node.has().install()
    assert node.calls("systemctl mask") == ["systemctl mask --quiet --now rpcbind.socket rpcbind.service"]
    section = ini(STORAGE / "nfs.conf")["nfsd"]
    assert [section[key] for key in ("vers3", "vers4.0", "vers4.1", "vers4.2")] == ["n", "n", "n", "y"]
    assert 8 <= int(section["threads"]) <= 128
    assert int(section["grace-time"]) <= 30


SERVED = [
    "systemctl disable --quiet nfs-server jupyterhub-quotas.path jupyterhub-quotas.timer",
    "systemctl enable --quiet jupyterhub-homes.service",
    "systemctl start nfs-server jupyterhub-quotas.path jupyterhub-quotas.timer",
]


def test_homes_are_served_and_then_get_the_limits_on_standard_input_however_long_that_takes(node: Node) -> None:
    sizes = '{"default": 1073741824, "homes": {}}'
    assert node.run("/bin/bash storage/serve-homes.sh", stdin=sizes).returncode == 0
    settings = node.root / "etc/jupyterhub-storage/quotas.json"
    assert json.loads(settings.read_text()) == json.loads(sizes)
    synced = [f"sync {settings}.new", f"sync {settings.parent}"]  # no power cut leaves it empty
    assert node.calls() == [*synced, *SERVED, "jupyterhub-storage quotas --limits-only"]


@pytest.mark.parametrize("status", [1, 127])
def test_homes_whose_limits_cannot_be_set_are_served_and_the_reader_learns_what_that_means(node: Node, status: int) -> None:
    node.program("jupyterhub-storage", f"echo no quota here >&2; exit {status}")
    done = node.run("/bin/bash storage/serve-homes.sh", stdin="{}")
    assert done.returncode == 0
    assert done.stderr.startswith("no quota here\nThe homes are served, but their limits could not be set")
    assert node.calls("systemctl") == SERVED


def test_a_fault_of_one_home_keeps_no_other_from_being_served(node: Node) -> None:
    node.program("jupyterhub-storage", "exit 3")
    done = node.run("/bin/bash storage/serve-homes.sh", stdin="{}")
    assert (done.returncode, done.stderr) == (0, "")
    assert node.calls("systemctl") == SERVED


def ini(path: Path) -> configparser.ConfigParser:
    """A unit or configuration file."""
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return parser


def test_the_path_unit_looks_where_the_hub_puts_new_homes_and_looks_again_after_each_run() -> None:
    assert dict(ini(STORAGE / "jupyterhub-quotas.path")["Path"]) == {"DirectoryNotEmpty": str(Places().new)}


def test_a_run_that_fails_is_not_started_again_in_a_tight_loop_nor_given_up() -> None:
    unit = ini(STORAGE / "jupyterhub-quotas.service")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert "sleep" in unit["Service"]["ExecStopPost"]


def test_nothing_of_a_boot_waits_for_the_volume_which_starts_the_server_of_homes_when_it_is_mounted() -> None:
    homes = ini(STORAGE / "jupyterhub-homes.service")
    assert homes["Install"]["WantedBy"] == "srv-homes.mount"
    assert "--no-block start nfs-server.service jupyterhub-quotas.path jupyterhub-quotas.timer" in homes["Service"]["ExecStart"]
    for unit in ("jupyterhub-quotas.path", "jupyterhub-quotas.timer"):
        assert "Install" not in ini(STORAGE / unit)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
@pytest.mark.parametrize("unit", sorted(path.name for path in STORAGE.glob("*.service")))
def test_systemd_finds_nothing_wrong_with_a_unit(unit: str) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(STORAGE / unit)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if unit in line and "is not executable" not in line]


def test_a_missed_home_is_caught_up_with_by_a_timer() -> None:
    timer = ini(STORAGE / "jupyterhub-quotas.timer")["Timer"]
    assert {"OnBootSec", "OnUnitInactiveSec"} == set(timer)


@pytest.mark.parametrize("name", ["jupyterhub-quotas", "jupyterhub-backup"])
def test_services_run_modules_of_the_archive_and_only_with_the_volume(name: str) -> None:
    unit = ini(STORAGE / f"{name}.service")
    assert unit["Service"]["WorkingDirectory"] == "/usr/local/lib/jupyterhub-swarm"
    module = unit["Service"]["ExecStart"].split(" -m storage.")[1]
    assert (STORAGE / f"{module}.py").is_file()
    assert unit["Unit"]["RequiresMountsFor"] == "/srv/homes"


def test_clients_wait_for_a_volume_that_is_missing_and_never_see_the_folder_under_it() -> None:
    assert ini(STORAGE / "nfs-server.conf")["Unit"]["RequiresMountsFor"] == "/srv/homes"


def test_a_backup_that_hangs_is_ended_before_the_next_nights() -> None:
    assert ini(STORAGE / "jupyterhub-backup.service")["Service"]["TimeoutStartSec"] == "20h"
