"""The shell lines that run on the nodes with volumes, as pure functions. Like those of commands.py, each is idempotent."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path, PurePosixPath

from components.commands import wait_booted
from services.hub.home_volumes import HUB_FOLDER, HUB_OPTIONS, SERVER_FOLDER

SCRIPTS = Path(__file__).resolve().parents[1] / "storage"
FOLDER = "/usr/local/lib/jupyterhub-swarm"  # holds `storage/` and what it shares with the hub, in the project's own layout
# Everybody is the notebook user; a write is on the disk when the client hears so; nothing is exported while the volume is
# not mounted, or clients would see an empty folder.
EXPORT_OPTIONS = "rw,sync,all_squash,anonuid=1000,anongid=100,no_subtree_check,mountpoint"


def install(homes: bool) -> str:
    """Once the first boot has ended, put the tools (an archive in base64 on standard input) and what they need in place."""
    return (
        f"{wait_booted()}; sudo mkdir -p {FOLDER} && base64 --decode | sudo tar -xz -C {FOLDER} && "
        f"sudo {FOLDER}/storage/install.sh{' homes' if homes else ''}"
    )


def mount_volume(volume_id: str, label: str, folder: str, gib: int) -> str:
    """Mount an attached volume, formatted if it is blank and grown to `gib` GiB. Print where, how large and its UUID."""
    return _script("prepare-volume.sh", f"{shlex.quote(volume_id)} {label} {folder} {gib}", "fstab.sh")


def release_volume(folder: str) -> str:
    """Unmount a volume that goes to another node, and end what serves it."""
    return f"sudo {FOLDER}/storage/release-volume.sh {folder}"


def make_folder(folder: str, owner: int = 0) -> str:
    """Make a folder of a volume that only its owner (a user's number) and root may enter, and print it. Fail where the volume,
    which is mounted on the folder above, is not: what is written under a mount is lost to sight."""
    return f"{_on_volume(folder)} && {_made(folder, owner)} && echo {folder}"


def bounded_folder(folder: str, owner: int, mib: int) -> str:
    """Make a folder as `make_folder` does, on a volume with quotas, and let it hold no more than `mib` MiB."""
    bound = f"sudo python3 -S -m storage.registry_room bound {folder} {mib}"
    return f"{_on_volume(folder)} && {_made(folder, owner)} && (cd {FOLDER} && {bound}) && echo {folder}"


def _made(folder: str, owner: int) -> str:
    return f"sudo install -d -m 700 -o {owner} -g {owner} {folder}"


def _on_volume(folder: str) -> str:
    mount = PurePosixPath(folder).parent
    why = f"{mount} is not mounted, so {folder} was not made; make status tells what is wrong with the volume"
    return f"{{ mountpoint -q {mount} || {{ echo {shlex.quote(why)} >&2; exit 1; }}; }}"


def state_status() -> str:
    """Tell how full the manager's own volume and the registry on it are."""
    return f"cd {FOLDER} && sudo python3 -S -m storage.registry_room status"


def serve_homes() -> str:
    """Apply the sizes of the homes, JSON on standard input, and serve them."""
    return _script("serve-homes.sh")


def configure_backup(schedule: str) -> str:
    """Back the homes up by the schedule, with the configuration on standard input, which holds secrets."""
    return f"sudo jupyterhub-storage backup configure {shlex.quote(schedule)}"


def end_backup() -> str:
    """Take that back; the repository and its snapshots stay."""
    return "sudo systemctl disable --now jupyterhub-backup.timer && sudo rm -f /etc/jupyterhub-storage/backup.json*"


def export(node: str, address: str, folder: str) -> str:
    """Let one node mount the folder over NFS."""
    line, file = shlex.quote(f"{folder} {address}({EXPORT_OPTIONS})"), _exports(node)
    # No power cut leaves an empty file.
    written = f"echo {line} | sudo tee {file}.new >/dev/null && sudo sync {file}.new && sudo mv {file}.new {file}"
    return f"{written} && sudo exportfs -ra"


def unexport(node: str) -> str:
    """Take that back."""
    return f"sudo rm -f {_exports(node)} && sudo exportfs -ra"


def _exports(node: str) -> str:
    return f"/etc/exports.d/jupyterhub-{node}.exports"


def mount_for_hub(address: str) -> str:
    """On the hub's node: mount the homes of that server as soon as it answers, and again whenever that is lost. Print the
    folder that the hub's service is given, which is there in any case."""
    words = shlex.join([address, SERVER_FOLDER, HUB_FOLDER, HUB_OPTIONS])
    return f"sudo {FOLDER}/storage/hub-homes.sh install {words}"


def unmount_for_hub() -> str:
    """Take that back."""
    return f"sudo {FOLDER}/storage/hub-homes.sh remove"


def hub_homes_status() -> str:
    """Print how the homes are as the hub sees them; fail where they are not well."""
    return f"sudo {FOLDER}/storage/hub-homes.sh status"


def _script(name: str, arguments: str = "", *parts: str) -> str:
    """A script of the nodes. The line names its content: with another one, also nodes that are there run it again."""
    content = b"".join((SCRIPTS / part).read_bytes() for part in (name, *parts))
    words = f"sudo {FOLDER}/storage/{name} {arguments}".rstrip()
    return f"{words} # {hashlib.sha256(content).hexdigest()[:12]}"
