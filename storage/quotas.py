"""Gives every home its project and its limit. Run by systemd when the hub has made a home, every few minutes, and at each `up`.

It looks at what is there and does what is missing, so that it may be killed at any moment and run again. A new home is made
by the hub in `new/` and moved to `users/` here, once its limit is set: no home is ever used without one. It imports little,
since someone waits for it on the spawn page.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path

from storage.limits import DEFAULT, QuotaError, Usage, XfsQuota, limits_of
from storage.projects import Kernel, Registry, assign, replace

OWNER, GROUP = 1000, 100  # the notebook user, whom the export maps everybody to


class Places:
    """Where things are; `root` is the mounted volume."""

    def __init__(self, root: Path = Path("/srv/homes"), etc: Path = Path("/etc"), run: Path = Path("/run")) -> None:
        self.root, self.etc = root, etc
        self.users, self.new, self.status = root / "users", root / "new", root / "status.json"
        self.settings = etc / "jupyterhub-storage" / "quotas.json"
        self.lock = run / "jupyterhub-quotas.lock"


class Settings:
    """The sizes that were asked for, in bytes: for every home, and for those that differ."""

    def __init__(self, path: Path) -> None:
        values = json.loads(path.read_text(encoding="utf-8"))
        self.default: int = values["default"]
        self._homes: dict[str, int] = values["homes"]

    def limits(self, home: str) -> tuple[int, int]:
        """KiB and files."""
        return limits_of(self._homes.get(home, self.default))


def reconcile(places: Places, kernel: Kernel, quota: XfsQuota) -> list[str]:
    """Bring everything to what the settings ask for. Returns what could not be done, a line each."""
    settings = Settings(places.settings)
    _make_folders(places)
    while True:
        new = _folders(places.new)
        problems = _settle(places, kernel, quota, settings)
        if problems:
            return problems
        refused = [home for home in new if not _admit(places, home)]
        if len(refused) == len(new):  # else more may have come meanwhile
            problems = [f"{places.new}/{home} cannot become a home: {places.users}/{home} is there" for home in refused]
            return problems + [f"{path} is not a folder; remove it" for path in sorted(places.new.iterdir()) if not path.is_dir()]


def _make_folders(places: Places) -> None:
    for name, owner, group in (("users", 0, 0), ("new", OWNER, GROUP), ("hub", OWNER, GROUP), ("shared", OWNER, GROUP)):
        folder = places.root / name
        folder.mkdir(0o755, exist_ok=True)
        os.chown(folder, owner, group)


def _folders(path: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False))


def _settle(places: Places, kernel: Kernel, quota: XfsQuota, settings: Settings) -> list[str]:
    """Give every home, new or moved in, a project of its own with its limit."""
    paths = {home: places.users / home for home in _folders(places.users)}
    paths |= {home: places.new / home for home in _folders(places.new) if home not in paths}
    found = {home: kernel.project_of(path) for home, path in paths.items()}
    registry = Registry(places.etc, places.users)
    projects = assign(found, registry.foreign())
    registry.write(projects)
    wanted = {project: settings.limits(home) for home, project in projects.items()}
    problems = _set_limits(quota, {DEFAULT: limits_of(settings.default), **wanted})
    for home, project in projects.items():
        if found[home] != project:
            kernel.tag(paths[home], project)
    return problems


def _set_limits(quota: XfsQuota, wanted: dict[int, tuple[int, int]]) -> list[str]:
    """Set what differs, and look at the result: xfs_quota does not always tell that it failed."""
    wrong = _differing(wanted, quota.report())
    if wrong:
        wrong = _differing(wrong, quota.set(wrong))
    return [
        f"project {project}: the kernel did not take its limits of {kib} KiB and {files} files"
        for project, (kib, files) in wrong.items()
    ]


def _differing(wanted: dict[int, tuple[int, int]], have: dict[int, Usage]) -> dict[int, tuple[int, int]]:
    return {project: limits for project, limits in wanted.items() if project not in have or have[project].limits != limits}


def _admit(places: Places, home: str) -> bool:
    """Move a new home in, or drop it where its user has one by now; False where both hold files."""
    new, moved_in = places.new / home, places.users / home
    if not moved_in.is_dir():
        new.rename(moved_in)
        return True
    try:
        new.rmdir()
    except OSError:
        return False
    return True


def main(places: Places, kernel: Kernel, quota: XfsQuota) -> int:
    """One run at a time. Says in status.json, which the hub can read, how it went; returns the exit status."""
    if not places.root.is_mount():
        print(f"{places.root} is not mounted", file=sys.stderr)
        return 1
    with places.lock.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            problems = reconcile(places, kernel, quota)
        except (QuotaError, OSError, ValueError, KeyError) as error:
            problems = [str(error)]
        replace(places.status, [json.dumps({"time": int(time.time()), "problems": problems})])
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    here = Places()
    sys.exit(main(here, Kernel(), XfsQuota(here.root)))
