"""Volumes of the lab's cloud, as an administrator of its project moves them about: copied, attached, detached; and machines
that are stopped, started and reset."""

from __future__ import annotations

from typing import Any

from tests.e2e.cloud import Cloud
from tests.e2e.waiting import wait_for

LIMIT_S = 900


class CloudVolumes:
    """Each call returns when the cloud says that it is done."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def copy(self, volume: str, name: str) -> str:
        """A copy of a volume, in use or not; its id."""
        asked = {"volume": {"source_volid": volume, "size": self._cloud.volumes()[volume], "name": name}}
        made = str(self._cloud.ask("volumev3", "POST", "volumes", asked)["volume"]["id"])
        self._wait(made, "available")
        return made

    def delete(self, volume: str) -> None:
        """Delete a volume that is detached."""
        self._cloud.ask("volumev3", "DELETE", f"volumes/{volume}")
        wait_for("the volume to be gone", lambda: volume not in self._cloud.volumes(), limit_s=LIMIT_S)

    def attach(self, volume: str, server: str) -> None:
        """Attach a volume to a machine, running or not."""
        self._cloud.ask("compute", "POST", f"servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
        self._wait(volume, "in-use")

    def detach(self, volume: str, server: str) -> None:
        """Take a volume from a machine."""
        self._cloud.ask("compute", "DELETE", f"servers/{server}/os-volume_attachments/{volume}")
        self._wait(volume, "available")

    def stop(self, server: str) -> None:
        """Shut a machine down."""
        self._act(server, {"os-stop": None}, "SHUTOFF")

    def start(self, server: str) -> None:
        """Start a machine; it has still to boot."""
        self._act(server, {"os-start": None}, "ACTIVE")

    def reset(self, server: str) -> None:
        """What a power cut does; returns before the machine has booted."""
        self._cloud.ask("compute", "POST", f"servers/{server}/action", {"reboot": {"type": "HARD"}})

    def _act(self, server: str, action: dict[str, Any], status: str) -> None:
        self._cloud.ask("compute", "POST", f"servers/{server}/action", action)
        wait_for(
            f"the machine to be {status}",
            lambda: self._cloud.ask("compute", "GET", f"servers/{server}")["server"]["status"] == status,
            limit_s=LIMIT_S,
        )

    def _wait(self, volume: str, status: str) -> None:
        wait_for(
            f"the volume to be {status}",
            lambda: self._cloud.ask("volumev3", "GET", f"volumes/{volume}")["volume"]["status"] == status,
            limit_s=LIMIT_S,
        )
