"""Gives every home its project and its limit. Run by systemd when the hub has made a home, every few minutes, and at each `up`.

It looks at what is there and does what is missing, so that it may be killed at any moment and run again. A new home is made
by the hub in `new/` and moved to `users/` here, once its limit is set: no home is ever used without one. It imports little,
since someone waits for it on the spawn page.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from storage.limits import QuotaError, XfsQuota
from storage.places import Places, locked
from storage.projects import Kernel, replace
from storage.reconciler import Run, make_folders
from storage.tree import shown

# Leaves the files of homes that were copied here to the next run of the timer.
LIMITS_ONLY = "--limits-only"
EVERY_S = 60  # between two reports of a run that takes long


def reconcile(
    places: Places, kernel: Kernel, quota: XfsQuota, limits_only: bool = False, tell: Callable[[Run], None] = lambda _: None
) -> Run:
    """Bring everything to what the settings ask for. Returns what could not be done; `tell` hears of it now and then.

    The lock is held for what is short. To count the files of homes that were copied here takes hours: nobody waits for it.
    """
    run = Run(places, kernel, quota)
    with locked(places.lock):
        make_folders(places)
        run.let_in()

    def meanwhile() -> None:
        if run.waiting():
            with locked(places.lock):
                run.let_in()
        tell(run)

    if not limits_only:
        with locked(places.counting, wait=False) as alone:
            for path in run.to_count() if alone else []:
                run.count(path, meanwhile)
                meanwhile()
    run.name_strays()
    return run


class Report:
    """What status.json says, which the hub can read: how the run goes."""

    def __init__(self, places: Places) -> None:
        self._places, self._next = places, time.monotonic() + EVERY_S

    def while_it_runs(self, run: Run) -> None:
        """Tell it, but not too often. One that cannot be told now may be later."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            with suppress(OSError):
                self.write(run.problems, run.homes)

    def write(self, problems: list[str], homes: dict[Path, str]) -> None:
        """Raises OSError."""
        of_homes = {shown(path.name): reason for path, reason in homes.items()}
        told = {"time": int(time.time()), "problems": lines_of(problems, homes), "all": problems, "homes": of_homes}
        with locked(self._places.lock):
            replace(self._places.status, [json.dumps(told)])


def main(places: Places, kernel: Kernel, quota: XfsQuota, limits_only: bool = False) -> int:
    """Says in status.json how it went.

    Returns 0, 1 where nothing could be done, or 3 where single homes are held back, or it could not be said.
    """
    if not places.root.is_mount():
        print(f"{places.root} is not mounted", file=sys.stderr)
        return 1
    report, problems, homes = Report(places), [], {}
    try:
        run = reconcile(places, kernel, quota, limits_only, report.while_it_runs)
        problems, homes = run.problems, run.homes
    except (QuotaError, OSError, ValueError, KeyError) as error:
        problems = [str(error)]
    for line in lines_of(problems, homes):
        print(line, file=sys.stderr)
    try:
        report.write(problems, homes)
    except OSError as error:  # the volume is full, perhaps; that is no reason to stop an `up` that may enlarge it
        print(f"{places.status} cannot be written: {error.strerror}", file=sys.stderr)
        return 1 if problems else 3
    return 1 if problems else 3 if homes else 0


def lines_of(problems: list[str], homes: dict[Path, str]) -> list[str]:
    """What is wrong, for people."""
    return problems + [f"{shown(str(path))} {reason}" for path, reason in sorted(homes.items())]


if __name__ == "__main__":
    here = Places()
    sys.exit(main(here, Kernel(), XfsQuota(here.root), limits_only=LIMITS_ONLY in sys.argv))
