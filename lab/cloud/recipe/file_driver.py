"""A cinder driver for one machine: each volume is a sparse file, which the guest on the same machine opens as its disk.

No iSCSI or NFS is involved, so the machine's kernel needs neither. Nova attaches such a file by its driver named 'gpfs'.
"""

import subprocess
from pathlib import Path

from cinder import interface
from cinder.image import image_utils
from cinder.volume import configuration, driver
from oslo_config import cfg
from oslo_utils import units

OPTIONS = [cfg.StrOpt("lab_volume_dir", default="/srv/lab/volumes", help="Folder of the volumes' files.")]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class FileDriver(driver.VolumeDriver):
    """Volumes and snapshots as files in one folder."""

    VERSION = "1.0"
    CI_WIKI_NAME = "none"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)

    def _path(self, volume_or_snapshot):
        return Path(self.configuration.lab_volume_dir) / volume_or_snapshot.name

    def _copy(self, source, target, size_gb):
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True)
        with target.open("r+b") as file:
            file.truncate(size_gb * units.Gi)

    def check_for_setup_error(self):
        Path(self.configuration.lab_volume_dir).mkdir(parents=True, exist_ok=True)

    def _update_volume_stats(self):
        room = subprocess.run(
            ["stat", "--file-system", "--format=%S %b %a", self.configuration.lab_volume_dir],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        block, total, free = map(int, room.stdout.split())
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "file",
            "total_capacity_gb": block * total / units.Gi,
            "free_capacity_gb": block * free / units.Gi,
            "reserved_percentage": 0,
            "thin_provisioning_support": True,
            "max_over_subscription_ratio": 20.0,
            "online_extend_support": True,
            "multiattach": False,
        }

    def create_volume(self, volume):
        with self._path(volume).open("wb") as file:
            file.truncate(volume.size * units.Gi)

    def delete_volume(self, volume):
        self._path(volume).unlink(missing_ok=True)

    def extend_volume(self, volume, new_size):
        with self._path(volume).open("r+b") as file:
            file.truncate(new_size * units.Gi)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(self._path(src_vref), self._path(volume), volume.size)

    def create_snapshot(self, snapshot):
        self._copy(self._path(snapshot.volume), self._path(snapshot), snapshot.volume_size)

    def delete_snapshot(self, snapshot):
        self._path(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(self._path(snapshot), self._path(volume), volume.size)

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):  # noqa: ARG002
        image_utils.fetch_to_raw(context, image_service, image_id, str(self._path(volume)), "1M", size=volume.size)

    def initialize_connection(self, volume, connector):  # noqa: ARG002
        path = str(self._path(volume))
        return {"driver_volume_type": "gpfs", "data": {"name": volume.name, "device_path": path}}

    # Nothing has to be exported: the file is where the guest is.
    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass
