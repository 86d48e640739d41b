"""nova-compute, with two things added that its release does not have.

A volume that is a plain file can grow while a guest uses it. Nova's driver for such volumes (named after GPFS) has no
`extend_volume`. Little is needed: cinder has made the file larger, and nova tells QEMU itself. Nova does the same for
volumes on a network (LibvirtNetVolumeDriver).

An emulated guest keeps its translated code in a cache of 1 GiB; here it gets TRANSLATIONS_MB, or two guests would take
2 GiB beyond their memory. Later releases have a setting for it, `[libvirt] tb_cache_size`.
"""

import sys
from xml.etree.ElementTree import Element

from nova.cmd import compute  # first: it patches the standard library for eventlet
from nova.virt.libvirt import config
from nova.virt.libvirt.driver import CONF, LibvirtDriver
from nova.virt.libvirt.volume import gpfs

TRANSLATIONS_MB = 512


def extend_volume(_driver: object, _connection_info: dict, _instance: object, requested_size: int) -> int:
    """The size in bytes that the file has by now."""
    return requested_size


class TranslationCache(config.LibvirtConfigGuestFeature):
    """<tcg><tb-cache unit='MiB'>...</tb-cache></tcg> among the features in a guest's description."""

    def __init__(self) -> None:
        super().__init__("tcg")

    def format_dom(self) -> Element:
        root = super().format_dom()
        root.append(self._text_node("tb-cache", TRANSLATIONS_MB, unit="MiB"))
        return root


def set_features(driver: LibvirtDriver, guest: config.LibvirtConfigGuest, *arguments: object) -> None:
    """Nova's own features and, for an emulated guest, the cache's size."""
    novas_features(driver, guest, *arguments)
    if CONF.libvirt.virt_type == "qemu":
        guest.add_feature(TranslationCache())


gpfs.LibvirtGPFSVolumeDriver.extend_volume = extend_volume
novas_features = LibvirtDriver._set_features
LibvirtDriver._set_features = set_features

if __name__ == "__main__":
    sys.exit(compute.main())
