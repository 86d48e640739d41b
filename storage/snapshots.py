"""Whose the snapshots of a repository are, and `jupyterhub-storage snapshots`: all of them.

Each has the tags `stack=<name>` and `volume=<id>` of the homes that it holds, so that stacks may share a repository. Those of
versions before that have neither, until the stack that makes the first marked ones takes them over (repository.py).
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from storage.restic import ANSWER_S, BackupError, Restic, report
from storage.users import table

HOMES, BEFORE = "homes", "before-restore"
Snapshot = dict[str, Any]
Owner = tuple[str, str]  # the stack's name, the volume's id
NOBODY: Owner = ("", "")


def every(restic: Restic) -> list[Snapshot]:
    """All snapshots of the homes of any stack, the oldest first. Raises BackupError."""
    found: list[Snapshot] = json.loads(restic.run("snapshots", "--json", "--no-lock", limit_s=ANSWER_S)) or []
    return sorted((one for one in found if {HOMES, BEFORE} & set(one.get("tags") or [])), key=moment)


def moment(snapshot: Snapshot) -> datetime:
    """When it was taken. As texts, times of two offsets (the end of summer time) have another order."""
    return datetime.fromisoformat(snapshot["time"])


def told(snapshot: Snapshot) -> str:
    """When, for people."""
    return f"{moment(snapshot).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def owner_of(snapshot: Snapshot) -> Owner:
    """Whose it is, NOBODY for one of an earlier version."""
    tags = dict(tag.partition("=")[::2] for tag in snapshot.get("tags") or [])
    return tags.get("stack", ""), tags.get("volume", "")


def owner(restic: Restic) -> Owner:
    """Who this node backs up for, NOBODY before `up` of this version has configured it."""
    return str(restic.config.get("stack", "")), str(restic.config.get("volume", ""))


def named(whose: Owner) -> str:
    """For people."""
    return f"stack {whose[0]}, volume {whose[1]}" if whose != NOBODY else "unmarked, of an earlier version"


def ours(restic: Restic, snapshots: list[Snapshot], kind: str = HOMES) -> list[Snapshot]:
    """Those of this stack's homes."""
    return [one for one in snapshots if owner_of(one) == owner(restic) and kind in one["tags"]]


def tags(whose: Owner) -> str:
    """As restic takes them: a snapshot has both."""
    return f"stack={whose[0]},volume={whose[1]}"


def chosen(restic: Restic, snapshots: list[Snapshot], name: str) -> Snapshot:
    """The latest of this stack's homes, or the one of this id, whosever it is. Raises BackupError that lists the ten newest."""
    if name == "latest":
        matching = ours(restic, snapshots)
    else:  # restic gives a snapshot that is marked anew another id, and keeps the first one as `original`
        matching = [
            one for one in snapshots if name and any(str(one.get(key, "")).startswith(name) for key in ("id", "original"))
        ]
    if matching:
        return matching[-1]
    known = ", ".join(f"{one['short_id']} ({told(one)}, {named(owner_of(one))})" for one in reversed(snapshots[-10:]))
    missing = "no snapshot of this stack's homes" if name == "latest" else f"no snapshot {name!r}"
    raise BackupError(f"there is {missing}; name one with SNAPSHOT, see `make snapshots`; the newest are: {known or 'none'}")


def strangers(restic: Restic, snapshots: list[Snapshot]) -> str:
    """Words for those that no stack forgets: unmarked ones, and those of this stack's name with another volume."""
    left = [one for one in snapshots if owner_of(one) != owner(restic) and owner_of(one)[0] in ("", owner(restic)[0])]
    if not left or owner(restic) == NOBODY:
        return ""
    whose = "; ".join(sorted({named(owner_of(one)) for one in left}))
    return f"{len(left)} snapshots are kept for ever, since they are not of this volume ({whose}): see `make snapshots`"


def main(restic: Restic | None = None) -> int:
    """Print them, the newest last; returns the exit status."""
    try:
        restic = restic or Restic()
        found = every(restic)
    except BackupError as error:
        return report(error)
    print(f"in {restic.location}:")
    rows: list[tuple[str, ...]] = [("SNAPSHOT", "TAKEN", "WHAT", "WHOSE")]
    for one in found:
        whose = "this stack" if owner_of(one) == owner(restic) else named(owner_of(one))
        what = "homes" if HOMES in one["tags"] else "before a restore: " + " ".join(one["paths"])
        rows.append((one["short_id"], told(one), what, whose))
    print(table(rows))
    if more := strangers(restic, found):
        print(f"\n{more}. Take them over: make backup-adopt SNAPSHOT=<one of them>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
