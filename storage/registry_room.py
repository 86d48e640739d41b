"""The swarm's own registry shares the state volume with the hub's database, so its folder is a project with a limit: images
never take the last room from the hub. `bound FOLDER MIB` sets the limit, `status` tells how full the volume and the registry are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from storage.limits import QuotaError, Usage, XfsQuota
from storage.projects import Kernel, TagError
from storage.users import size
from storage.volumes import volume

STATE = Path("/srv/state")
PROJECT = 900  # of this file system, on which there are no homes
NOTHING = Usage(0, 0, 0, 0)


def bound(folder: Path, mib: int, kernel: Kernel, quota: XfsQuota) -> None:
    """Give the folder and all in it a limit of its own. Raises QuotaError, TagError or OSError."""
    limits = (mib * 1024, 0)  # any number of files: an image is few
    if kernel.project_of(folder) != PROJECT:
        kernel.tag(folder, PROJECT)
    said = quota.set({PROJECT: limits})
    if quota.report().get(PROJECT, NOTHING).limits != limits:
        raise QuotaError(f"the kernel did not take the limit of {mib} MiB for {folder} {said}")


def images(quota: XfsQuota) -> tuple[bool, str]:
    """How full the registry is. A full one takes no image more and hinders nobody else."""
    try:
        usage = quota.report().get(PROJECT, NOTHING)
    except QuotaError as error:
        return False, f"its limit is not known: {error}"
    if not usage.limit_kib:
        return True, "no registry here"
    good = usage.limit_kib - usage.used_kib > usage.limit_kib // 20
    said = f"{size(usage.used_kib)} of {size(usage.limit_kib)} used"
    return good, said if good else f"{said}: raise stateSize, or delete images that nobody uses"


def main(arguments: list[str]) -> int:
    """Returns 1, and says why, where it cannot be done or something is not well."""
    quota = XfsQuota(STATE)
    if arguments[0] == "bound":
        try:
            bound(Path(arguments[1]), int(arguments[2]), Kernel(), quota)
        except (QuotaError, TagError, OSError) as error:
            print(f"the registry cannot be kept from filling {STATE}: {error}", file=sys.stderr)
            return 1
        return 0
    looks = {"state volume": volume(STATE, "stateSize"), "registry": images(quota)}
    for name, (good, text) in looks.items():
        print(f"{name:<20} {'' if good else '! '}{text}")
    return 0 if all(good for good, _ in looks.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
