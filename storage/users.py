"""`jupyterhub-storage users`: whose home is which folder, how full it is, and when its user came first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from services.hub.owners import Owner, Owners
from storage.limits import QuotaError, Usage, XfsQuota
from storage.projects import Kernel
from storage.quota_names import unused
from storage.tree import shown

HEAD = ("USER", "E-MAIL", "FOLDER", "FIRST SEEN", "USED", "LIMIT", "%")
NOBODY = Owner(name="-", email="", first_seen="-")
UNKNOWN = Usage(0, 0, 0, 0)


def rows(owners: dict[str, Owner], usages: dict[str, Usage]) -> list[tuple[str, ...]]:
    """One row a home, by user name; homes of nobody, and users whose home is gone, are shown as such."""
    table = []
    for home in sorted({*owners, *usages}, key=lambda home: (owners.get(home, NOBODY).name, home)):
        owner, usage = owners.get(home, NOBODY), usages.get(home)
        if usage is None:
            sizes: tuple[str, ...] = ("no folder", "", "")
        elif usage.limit_kib == 0:
            sizes = (size(usage.used_kib), "no limit yet", "")
        else:
            sizes = (size(usage.used_kib), size(usage.limit_kib), f"{100 * usage.used_kib // usage.limit_kib}")
        table.append((shown(owner.name), shown(owner.email), home, owner.first_seen, *sizes))
    return table


def size(kib: int) -> str:
    """KiB as people read it."""
    for unit, factor in (("T", 1024**3), ("G", 1024**2), ("M", 1024)):
        if kib >= factor:
            return f"{kib / factor:.1f}{unit}"
    return f"{kib}K"


def table(lines: list[tuple[str, ...]]) -> str:
    """The lines in columns as wide as their widest cell."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def main(root: Path = Path("/srv/homes")) -> int:
    """Print the table; returns 1, and says why, where it cannot be made."""
    try:
        print(_told(root))
    except (QuotaError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _told(root: Path) -> str:
    kernel, report = Kernel(), XfsQuota(root).report()
    usages = {}
    for entry in os.scandir(root / "users"):
        if entry.is_dir(follow_symlinks=False):
            usages[shown(entry.name)] = _usage(Path(entry.path), kernel, report)
    owners = Owners(root / "hub").read()
    return "\n".join([table([HEAD, *rows(owners, usages)]), *unused({*owners, *usages})])


def _usage(home: Path, kernel: Kernel, report: dict[int, Usage]) -> Usage:
    try:
        return report.get(kernel.project_of(home), UNKNOWN)
    except OSError:  # `status` says what is wrong with it
        return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
