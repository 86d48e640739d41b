"""What a node becomes at first boot: a Docker host. The swarm and the storage come later, by remote commands.

No secret goes into user data: anyone on the node, and anyone who may read the server in OpenStack, can read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).resolve().parent.parent / "cloud-init"


def cloud_config(hostname: str, ssh_user: str, docker: bool = True, gpu: bool = False) -> dict[str, Any]:
    """The cloud-config of one node (https://cloudinit.readthedocs.io), as a Python dict; without `docker`, of a plain server.

    With `gpu` the node offers its GPUs to Swarm, where the image has NVIDIA's driver and container toolkit.
    """
    plain: dict[str, Any] = {
        "hostname": hostname,
        "preserve_hostname": False,
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "package_update": False,
        "package_upgrade": False,
    }
    if not docker:
        return plain
    return {
        **plain,
        "write_files": [
            _file("/usr/local/sbin/prepare-node", "prepare-node.sh", "0755"),
            _file("/etc/docker/daemon.json", "daemon.json", "0644"),
            *([_file("/usr/local/sbin/prepare-gpu", "prepare-gpu.sh", "0755")] if gpu else []),
            _file("/etc/sysctl.d/99-jupyterhub-swarm.conf", "99-jupyterhub-swarm.conf", "0644"),
        ],
        "runcmd": [
            ["sysctl", "--quiet", "--load", "/etc/sysctl.d/99-jupyterhub-swarm.conf"],
            ["/usr/local/sbin/prepare-node", ssh_user],
            *([["/usr/local/sbin/prepare-gpu"]] if gpu else []),
        ],
    }


def user_data(hostname: str, ssh_user: str, docker: bool = True, gpu: bool = False) -> str:
    """The cloud-config rendered as the user data of a server."""
    body: str = yaml.safe_dump(cloud_config(hostname, ssh_user, docker, gpu), sort_keys=False, width=120)
    return "#cloud-config\n" + body


def _file(path: str, source: str, permissions: str) -> dict[str, str]:
    return {"path": path, "permissions": permissions, "content": (SOURCE / source).read_text()}
