"""A machine of the lab that stands still for a while, as in a live migration: its emulator is stopped, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.cloud_container import CONTAINER
from lab.process import output_of


@contextmanager
def standing_still(server_id: str) -> Iterator[None]:
    """The server (its id in the cloud) does nothing while the block runs, and goes on afterwards in any case."""
    process = emulator(server_id)
    _in_cloud("kill", "-STOP", process)
    try:
        yield
    finally:
        _in_cloud("kill", "-CONT", process)


def emulator(server_id: str) -> str:
    """The process of the server's emulator, as the cloud's container numbers it. libvirt's domain has the server's id."""
    found = _in_cloud("pgrep", "--full", f"^[^ ]*qemu-system.* -uuid {server_id} ").split()
    assert len(found) == 1, f"server {server_id} has {len(found)} emulators in {CONTAINER}, expected 1"
    return found[0]


def _in_cloud(*command: str) -> str:
    return output_of(["docker", "exec", CONTAINER, *command])
