"""How homes are mounted over NFS: all of them for the hub, by its node, and one for each notebook, by Docker. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

SERVER_FOLDER = "/srv/homes"  # on the storage node; homes are below it in `users/`, what all share is in `shared/`
# On the hub's node and in its container alike. The hub's service is given the upper folder, which is always there, so that it
# starts without the storage and sees it when it comes.
HUB_MOUNTS = "/srv/nfs"
HUB_FOLDER = f"{HUB_MOUNTS}/homes"

# A notebook waits for the storage and goes on where it was (hard), however long that takes; a lost connection is made anew
# after 15 s. Several connections to the server, since one bounds what a node can read (Linux 5.3).
NOTEBOOK_OPTIONS = "nfsvers=4.2,hard,timeo=150,retrans=2,nconnect=4,noatime,nosuid,nodev"
# The hub must never hang with the storage: it gets an error (Linux 5.1) after 5 + 10 s, and tells it to the user. It looks
# at the server each time, for it waits for folders that another makes.
HUB_OPTIONS = "nfsvers=4.2,softerr,timeo=50,retrans=1,lookupcache=none,actimeo=0,noatime,nosuid,nodev"


@dataclass(frozen=True, kw_only=True)
class NfsVolume:
    """A volume of Docker's local driver. Its name carries a hash of its options: a node never changes the options of a
    volume that it has (docker/cli#1279)."""

    name: str
    options: dict[str, str]


def nfs_volume(prefix: str, address: str, folder: str, options: str) -> NfsVolume:
    """The volume that mounts `folder` of the server at `address`."""
    driver = {"type": "nfs", "o": f"addr={address},{options}", "device": f":{folder}"}
    digest = hashlib.sha256(json.dumps(driver, sort_keys=True).encode()).hexdigest()[:8]
    return NfsVolume(name=f"{prefix}-{digest}", options=driver)


def home_volume(address: str, home: str) -> NfsVolume:
    """One home, for the notebook of its user."""
    return nfs_volume(f"jupyterhub-home-{home}", address, f"{SERVER_FOLDER}/users/{home}", NOTEBOOK_OPTIONS)


def shared_volume(address: str) -> NfsVolume:
    """What all notebooks see."""
    return nfs_volume("jupyterhub-shared", address, f"{SERVER_FOLDER}/shared", NOTEBOOK_OPTIONS)
