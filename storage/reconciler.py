"""One run over all homes: each gets a number, its limit, and is let in; a fault of one is nothing to the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from storage.limits import DEFAULT, Usage, XfsQuota, limits_of
from storage.places import GROUP, OWNER, Places, Settings
from storage.projects import Kernel, Registry, TagError, assign, can_be_listed
from storage.tree import is_folder


class Run:
    """One look at the volume. `problems` is what is wrong with all, `homes` what is wrong with one, by the path of its folder.

    A home with a problem is held back alone.
    """

    def __init__(self, places: Places, kernel: Kernel, quota: XfsQuota) -> None:
        self._places, self._kernel, self._quota = places, kernel, quota
        self._registry = Registry(places.etc, places.users)
        self._numbers: dict[str, int] = {}
        self._refused: dict[int, str] = {}  # why a project has no limits
        self.problems: list[str] = []
        self.homes: dict[Path, str] = {}

    def let_in(self) -> None:
        """Limits for all homes; then those that are new move in, until none waits that can."""
        while True:
            waiting = _folders(self._places.new)
            self._settle(_folders(self._places.users), waiting)
            if not [path for path in waiting if self._admit(path)]:  # else more may have come meanwhile
                return

    def to_count(self) -> list[Path]:
        """The homes that the hub did not make: their files, or some of them, are in no project yet."""
        return [path for path in _folders(self._places.users) if self._differs(path)]

    def count(self, path: Path, between: Callable[[], None] = lambda: None) -> bool:
        """Give all files of a home to its project. This may take hours, so `between` is called now and then."""
        try:
            self._kernel.tag(path, self._numbers[path.name], between)
        except (FileNotFoundError, KeyError):  # it was taken away
            return False
        except OSError as error:
            self.homes[path] = f"cannot be counted: {error.strerror or error}"
            return False
        except TagError as error:
            self.homes[path] = str(error)
            return False
        return True

    def waiting(self) -> bool:
        """Whether a new home has come that is not held back."""
        return any(path not in self.homes for path in _folders(self._places.new))

    def name_strays(self) -> None:
        """What is no folder is no home."""
        for folder in (self._places.users, self._places.new):
            for entry in os.scandir(folder):
                if not entry.is_dir(follow_symlinks=False):
                    self.homes[folder / entry.name] = "is not a folder; remove it"

    def _settle(self, users: list[Path], waiting: list[Path]) -> None:
        """A number for every home, and limits for every number."""
        settings, known = Settings(self._places.settings), {path.name for path in users}
        ours, report = self._registry.ours(), self._quota.report()
        found: dict[str, int] = {}
        listed: dict[str, int] = {}  # of homes whose files are being counted, in this run or in one that was cut off
        odd: set[int] = set()  # taken by homes that get no limit now
        for path in users + [path for path in waiting if path.name not in known]:
            number = self._number(path)
            if number is None:
                odd.add(ours.get(path.name, 0))
                continue
            if not can_be_listed(path.name):
                odd.add(number)
                self.homes[path] = "has a name that cannot stand in /etc/projects; rename it"
            elif number:
                found[path.name] = number
            else:
                # A new home is empty: it has been given no number yet, and its name may have been another's.
                listed[path.name] = ours.get(path.name, 0) if path.name in known else 0
        # What holds anything is somebody's, wherever it was moved to: its number must not become a new home's.
        used = {project for project, usage in report.items() if usage.used_kib or usage.used_files}
        self._numbers = assign({**found, **listed}, self._registry.foreign() | odd, used)
        self._registry.write(self._numbers)
        wanted = {project: settings.limits(home) for home, project in self._numbers.items()}
        self._refused = _set_limits(self._quota, {DEFAULT: limits_of(settings.default), **wanted}, report)
        self.problems = [self._refused[DEFAULT]] if DEFAULT in self._refused else []
        for path in users + waiting:
            if path.name in self._numbers and not self._limited(path):
                self.homes[path] = f"has no limit: {self._refused[self._numbers[path.name]]}"

    def _number(self, path: Path) -> int | None:
        """What the kernel has, 0 for none; None where it cannot be told, or the home is gone."""
        try:
            if path.stat(follow_symlinks=False).st_dev != self._places.users.stat().st_dev:
                self.homes[path] = "is another disk, whose files no quota counts; mount it elsewhere"
                return None
            return self._kernel.project_of(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.homes[path] = f"cannot be looked at: {error.strerror or error}"
            return None

    def _limited(self, path: Path) -> bool:
        return path.name in self._numbers and self._numbers[path.name] not in self._refused

    def _differs(self, path: Path) -> bool:
        return path.name in self._numbers and path not in self.homes and self._number(path) != self._numbers[path.name]

    def _admit(self, new: Path) -> bool:
        """Move a new home in, or drop it where its user has one by now."""
        home = self._places.users / new.name
        try:
            if os.path.lexists(home):
                if not is_folder(home):
                    raise FileExistsError
                new.rmdir()
            elif self._limited(new) and (not self._differs(new) or self.count(new)):
                new.rename(home)
            else:
                return False
        except OSError as error:
            reason = f"{home} is there" if os.path.lexists(home) else error.strerror
            self.homes[new] = f"cannot become a home: {reason}"
            return False
        self.homes.pop(new, None)
        return True


def make_folders(places: Places) -> None:
    """What there must be before any home."""
    for name, owner, group in (("users", 0, 0), ("new", OWNER, GROUP), ("hub", OWNER, GROUP), ("shared", OWNER, GROUP)):
        folder = places.root / name
        folder.mkdir(0o755, exist_ok=True)
        os.chown(folder, owner, group)


def _folders(path: Path) -> list[Path]:
    return sorted(path / entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False))


def _set_limits(quota: XfsQuota, wanted: dict[int, tuple[int, int]], report: dict[int, Usage]) -> dict[int, str]:
    """Set what differs from the report, and look at the result: xfs_quota does not always tell that it failed. Returns what was
    refused."""
    wrong, said = _differing(wanted, report), ""
    if wrong:
        said = quota.set(wrong)
        wrong = _differing(wrong, quota.report())
    reason = f" ({said})" if said else ""
    return {
        project: f"project {project}: the kernel did not take its limits of {kib} KiB and {files} files{reason}"
        for project, (kib, files) in wrong.items()
    }


def _differing(wanted: dict[int, tuple[int, int]], have: dict[int, Usage]) -> dict[int, tuple[int, int]]:
    return {project: limits for project, limits in wanted.items() if project not in have or have[project].limits != limits}
