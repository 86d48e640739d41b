"""`jupyterhub-storage restore USER|all|shared|owners [--snapshot ID] [--in-place]`: homes from the newest or a named snapshot.

To the side by default: into a folder `restored-…` of the home, where its user sees it and picks what is missing. In place, what
is missing comes back and what is older is replaced, after a question and a snapshot of what is there; files that were changed
since stay, unless `--newer`. `all` is all homes, the shared folder and the owners of homes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from storage.backup import ROOT, take
from storage.repository import look
from storage.restic import BackupError, Restic, report
from storage.restore_folder import Way, restore_folder, restore_home
from storage.restore_names import ALL, OWNERS, SHARED, asked_for, in_snapshot
from storage.restore_owners import restore_owners
from storage.restore_plan import Plan, plans
from storage.snapshots import BEFORE, Snapshot, chosen, every, named, ours, owner, owner_of, told
from storage.staging import one_restore

Step = Callable[[], str]


def main(arguments: list[str]) -> int:
    """Restore what was asked for, saying where to; returns the exit status."""
    parser = argparse.ArgumentParser(prog="jupyterhub-storage restore", description=__doc__)
    parser.add_argument("user", help="a user's name, e-mail address or folder; or all, shared, owners")
    parser.add_argument("--snapshot", default="latest", help="its id, see `jupyterhub-storage snapshots`")
    parser.add_argument("--in-place", action="store_true", help="into the home itself: what is missing, and what is older")
    parser.add_argument("--newer", action="store_true", help="in place, also over what was changed since the snapshot")
    parser.add_argument("--sure", action="store_true", help="in place, without the question")
    parser.add_argument("--servers", type=json.loads, help="the homes whose servers run, as JSON; `make restore` asks the swarm")
    parser.add_argument("--while-running", action="store_true", help="in place, though their servers run")
    asked = parser.parse_args(arguments)
    try:
        with one_restore(ROOT):
            failed = restore(asked, Restic())
    except BackupError as error:
        return report(error)
    if failed:
        print(f"\n{len(failed)} not restored:", *failed, sep="\n", file=sys.stderr)
    return 1 if failed else 0


def restore(asked: argparse.Namespace, restic: Restic) -> list[str]:
    """Do it, once all is known and, in place, agreed to. Returns a line for each part that failed. Raises BackupError."""
    look(restic, ROOT)
    snapshot = chosen(restic, every(restic), asked.snapshot)
    way = Way(restic, str(snapshot["short_id"]), ROOT, asked.in_place, asked.newer)
    word, homes = asked_for(asked.user, in_snapshot(restic, way.snapshot, ROOT), ROOT)
    folders = [ROOT / "users" / home for home in homes] + ([ROOT / "shared"] if word in (ALL, SHARED) else [])
    if asked.in_place and folders:
        _refuse_beside_servers(asked, homes, word)
    planned = plans(restic, way.snapshot, folders, asked.newer) if folders else {}
    source = f"{told(snapshot)} ({way.snapshot}{_whose(restic, snapshot)})"
    if asked.in_place:
        _agree(asked.sure, source, planned, word)
        _keep_what_is_there(restic, [*folders, *([ROOT / "hub"] if word in (ALL, OWNERS) else [])])
    return restore_each(_steps(way, f"restored from {source} to", homes, word, planned))


def _steps(way: Way, beginning: str, homes: list[str], word: str, planned: dict[Path, Plan]) -> dict[str, Step]:
    """What is to be restored by its name, each as the step that does it and tells of it."""

    def step(home: str) -> Step:
        return lambda: f"{beginning} {restore_home(way, home, planned[way.root / 'users' / home])}"

    shared = way.root / "shared"
    others: dict[str, Step] = {
        SHARED: lambda: f"{beginning} {restore_folder(way, shared, planned[shared])}",
        OWNERS: lambda: f"{beginning} {way.root}/hub: {restore_owners(way)}",
    }
    wanted = {f"({name})": do for name, do in others.items() if word in (ALL, name)}
    return {**{home: step(home) for home in homes}, **wanted}


def _whose(restic: Restic, snapshot: Snapshot) -> str:
    return "" if owner_of(snapshot) == owner(restic) else f", {named(owner_of(snapshot))}"


def _refuse_beside_servers(asked: argparse.Namespace, homes: list[str], word: str) -> None:
    """A program that has a file open would go on with the old one, or write its own over what came back."""
    if asked.while_running:
        return
    if asked.servers is None:
        raise BackupError("whether servers run cannot be seen from here: use `make restore`, or say --while-running")
    running = sorted(home for home in asked.servers if word or home in homes)
    if running:
        raise BackupError(
            f"servers are running ({', '.join(running)}), whose programs may write over what comes back; nothing was changed. "
            "Stop them on the hub's admin page, restore to the side (without IN_PLACE), or restore all the same: RUNNING=yes"
        )


def _agree(sure: bool, source: str, planned: dict[Path, Plan], word: str) -> None:
    """Say what will be, and ask. Raises BackupError unless somebody says yes."""
    print(f"in place, from {source}:")
    for folder, plan in planned.items():
        print(f"  {folder.name}: {plan.in_place()}")
    if word in (ALL, OWNERS):
        print("  owners: all are replaced")
    print("Before, a snapshot of what is there now is taken.", flush=True)
    if sure:
        return
    print("Go on? (yes/no) ", end="", flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise BackupError("nothing was changed, since nobody said yes (SURE=yes asks nothing)")


def _keep_what_is_there(restic: Restic, folders: list[Path]) -> None:
    """The way back. Raises BackupError: nothing is replaced without one."""
    there = [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]
    if not there:
        return
    try:
        trouble = take(restic, BEFORE, there, ROOT)
    except BackupError as error:
        raise BackupError(
            f"what is there now could not be kept ({error}), so nothing was changed; restore to the side instead"
        ) from None
    kept = ours(restic, every(restic), BEFORE)[-1]["short_id"]
    print(f"what was there is in the snapshot {kept}, for 30 days{f'; {trouble}' if trouble else ''}", flush=True)


def restore_each(steps: dict[str, Step]) -> list[str]:
    """Take all steps, each whatever became of those before it. Returns a line for each that failed."""
    failed = []
    for name, step in steps.items():
        try:
            print(f"{name}: {step()}", flush=True)
        except (BackupError, OSError) as error:
            failed.append(f"{name}: {error}")
            print(f"{name}: NOT restored; more below", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
