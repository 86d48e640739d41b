"""The shell lines of the nodes with volumes, word by word."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from components import storage_commands
from components.commands import wait_booted
from services.hub.home_volumes import HUB_OPTIONS
from tests.unit.fake_host import FakeHost
from tools.graph import ROOT

LIB = "/usr/local/lib/jupyterhub-swarm"
EXPORTS = "/etc/exports.d/jupyterhub-worker-0.exports"
MOUNTED = (
    "{{ mountpoint -q /srv/state || {{ echo '/srv/state is not mounted, so /srv/state/{0} was not made; "
    "make status tells what is wrong with the volume' >&2; exit 1; }}; }} && "
)


def content(*scripts: str) -> str:
    """What tells these scripts from other versions of theirs."""
    return hashlib.sha256(b"".join((ROOT / "storage" / script).read_bytes() for script in scripts)).hexdigest()[:12]


LINES = {
    "install": (
        storage_commands.install(homes=True),
        f"{wait_booted()}; sudo mkdir -p {LIB} && base64 --decode | sudo tar -xz -C {LIB} && sudo {LIB}/storage/install.sh homes",
    ),
    "mount_volume": (
        storage_commands.mount_volume("0a7d6b3c-1f2e-4d5c-8b9a-001122334455", "jh-homes", "/srv/homes", 100),
        f"sudo {LIB}/storage/prepare-volume.sh 0a7d6b3c-1f2e-4d5c-8b9a-001122334455 jh-homes /srv/homes 100 # "
        + content("prepare-volume.sh", "fstab.sh"),
    ),
    "release_volume": (storage_commands.release_volume("/srv/homes"), f"sudo {LIB}/storage/release-volume.sh /srv/homes"),
    "make_folder": (
        storage_commands.make_folder("/srv/state/jupyterhub"),
        MOUNTED.format("jupyterhub") + "sudo install -d -m 700 -o 0 -g 0 /srv/state/jupyterhub && echo /srv/state/jupyterhub",
    ),
    "bounded_folder": (
        storage_commands.bounded_folder("/srv/state/registry", 990, 7168),
        MOUNTED.format("registry") + "sudo install -d -m 700 -o 990 -g 990 /srv/state/registry && "
        f"(cd {LIB} && sudo python3 -S -m storage.registry_room bound /srv/state/registry 7168) && echo /srv/state/registry",
    ),
    "state_status": (storage_commands.state_status(), f"cd {LIB} && sudo python3 -S -m storage.registry_room status"),
    "serve_homes": (storage_commands.serve_homes(), f"sudo {LIB}/storage/serve-homes.sh # {content('serve-homes.sh')}"),
    "export": (
        storage_commands.export("worker-0", "10.20.0.11", "/srv/homes"),
        "echo '/srv/homes 10.20.0.11(rw,sync,all_squash,anonuid=1000,anongid=100,no_subtree_check,mountpoint)' | "
        f"sudo tee {EXPORTS}.new >/dev/null && sudo sync {EXPORTS}.new && sudo mv {EXPORTS}.new {EXPORTS} && sudo exportfs -ra",
    ),
    "mount_for_hub": (
        storage_commands.mount_for_hub("10.20.0.9"),
        f"sudo {LIB}/storage/hub-homes.sh install 10.20.0.9 /srv/homes /srv/nfs/homes {HUB_OPTIONS}",
    ),
    "unmount_for_hub": (storage_commands.unmount_for_hub(), f"sudo {LIB}/storage/hub-homes.sh remove"),
    "hub_homes_status": (storage_commands.hub_homes_status(), f"sudo {LIB}/storage/hub-homes.sh status"),
    "unexport": (
        storage_commands.unexport("worker-0"),
        "sudo rm -f /etc/exports.d/jupyterhub-worker-0.exports && sudo exportfs -ra",
    ),
    "configure_backup": (
        storage_commands.configure_backup("*-*-* 03:00"),
        "sudo jupyterhub-storage backup configure '*-*-* 03:00'",
    ),
    "end_backup": (
        storage_commands.end_backup(),
        "sudo systemctl disable --now jupyterhub-backup.timer && sudo rm -f /etc/jupyterhub-storage/backup.json*",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_is_word_by_word(name: str) -> None:
    made, expected = LINES[name]
    assert made == expected


@pytest.mark.parametrize("name", LINES)
def test_every_line_is_correct_shell(name: str) -> None:
    for shell in ("bash", "sh"):
        checked = subprocess.run([shell, "-n", "-c", LINES[name][0]], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_every_line_of_the_module_is_checked_here() -> None:
    builders = {
        name
        for name, value in vars(storage_commands).items()
        if callable(value) and value.__module__ == storage_commands.__name__ and not name.startswith("_")
    }
    assert builders == set(LINES)


@pytest.mark.parametrize("name", ["make_folder", "bounded_folder"])
def test_a_folder_is_made_on_its_volume_or_not_at_all(tmp_path: Path, name: str) -> None:
    host = FakeHost(tmp_path)
    host.program("mountpoint", "exit 1")
    host.program("sudo")
    done = host.run(LINES[name][0])
    assert done.returncode == 1
    assert "/srv/state is not mounted, so /srv/state/" in done.stderr
    assert host.calls("sudo") == []


def test_a_line_whose_script_is_another_is_another_and_so_runs_on_nodes_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = storage_commands.serve_homes()
    (tmp_path / "serve-homes.sh").write_text("echo something else")
    monkeypatch.setattr(storage_commands, "SCRIPTS", tmp_path)
    assert storage_commands.serve_homes().partition(" # ")[0] == before.partition(" # ")[0]
    assert storage_commands.serve_homes() != before


def test_a_node_without_homes_gets_no_server_of_homes() -> None:
    assert storage_commands.install(homes=False).endswith("/storage/install.sh")


def test_a_client_is_everybodys_notebook_user_and_hears_of_a_write_when_it_is_on_the_disk() -> None:
    options = storage_commands.EXPORT_OPTIONS.split(",")
    assert {"all_squash", "anonuid=1000", "anongid=100", "sync", "mountpoint"}.issubset(options)
    assert {"no_root_squash", "async", "insecure"}.isdisjoint(options)
