"""nova-compute, with one thing added: a volume that is a plain file can grow while a guest uses it.

Nova's driver for such volumes (named after GPFS) has no `extend_volume`. Little is needed: cinder has made the file larger, and
nova tells QEMU itself. Nova does the same for volumes on a network (LibvirtNetVolumeDriver).
"""

import sys

from nova.cmd import compute  # first: it patches the standard library for eventlet
from nova.virt.libvirt.volume import gpfs


def extend_volume(_driver: object, _connection_info: dict, _instance: object, requested_size: int) -> int:
    """The size in bytes that the file has by now."""
    return requested_size


gpfs.LibvirtGPFSVolumeDriver.extend_volume = extend_volume

if __name__ == "__main__":
    sys.exit(compute.main())
