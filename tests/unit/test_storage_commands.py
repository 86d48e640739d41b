"""The shell lines of the nodes with volumes, word by word."""

from __future__ import annotations

import subprocess

import pytest

from components import storage_commands
from components.commands import wait_booted
from services.hub.home_volumes import HUB_OPTIONS

LIB = "/usr/local/lib/jupyterhub-swarm"
LINES = {
    "install": (
        storage_commands.install(homes=True),
        f"{wait_booted()}; sudo mkdir -p {LIB} && base64 --decode | sudo tar -xz -C {LIB} && sudo {LIB}/storage/install.sh homes",
    ),
    "mount_volume": (
        storage_commands.mount_volume("0a7d6b3c-1f2e-4d5c-8b9a-001122334455", "jh-homes", "/srv/homes", 100),
        f"sudo {LIB}/storage/prepare-volume.sh 0a7d6b3c-1f2e-4d5c-8b9a-001122334455 jh-homes /srv/homes 100",
    ),
    "release_volume": (storage_commands.release_volume("/srv/homes"), f"sudo {LIB}/storage/release-volume.sh /srv/homes"),
    "make_folder": (
        storage_commands.make_folder("/srv/state/jupyterhub"),
        "sudo install -d -m 700 -o 0 -g 0 /srv/state/jupyterhub && echo /srv/state/jupyterhub",
    ),
    "bounded_folder": (
        storage_commands.bounded_folder("/srv/state/registry", 990, 7168),
        "sudo install -d -m 700 -o 990 -g 990 /srv/state/registry && "
        f"(cd {LIB} && sudo python3 -S -m storage.registry_room bound /srv/state/registry 7168) && echo /srv/state/registry",
    ),
    "state_status": (storage_commands.state_status(), f"cd {LIB} && sudo python3 -S -m storage.registry_room status"),
    "serve_homes": (storage_commands.serve_homes(), f"sudo {LIB}/storage/serve-homes.sh"),
    "export": (
        storage_commands.export("worker-0", "10.20.0.11", "/srv/homes"),
        "echo '/srv/homes 10.20.0.11(rw,sync,all_squash,anonuid=1000,anongid=100,no_subtree_check,mountpoint)' | "
        "sudo tee /etc/exports.d/jupyterhub-worker-0.exports >/dev/null && sudo exportfs -ra",
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


def test_a_node_without_homes_gets_no_server_of_homes() -> None:
    assert storage_commands.install(homes=False).endswith("/storage/install.sh")


def test_a_client_is_everybodys_notebook_user_and_hears_of_a_write_when_it_is_on_the_disk() -> None:
    options = storage_commands.EXPORT_OPTIONS.split(",")
    assert {"all_squash", "anonuid=1000", "anongid=100", "sync", "mountpoint"}.issubset(options)
    assert {"no_root_squash", "async", "insecure"}.isdisjoint(options)
