"""The repository of the backups: made once, and known by its id ever after.

A disk that is not mounted, a bucket that was emptied or a misspelt name look like a place without a repository. One that is made
there without a word would hold the next snapshot and no other. So the id is kept on the homes volume, which outlives nodes.
"""

from __future__ import annotations

import json
from pathlib import Path

from storage.restic import ANSWER_S, BackupError, Restic, write_private
from storage.snapshots import NOBODY, Owner, Snapshot, chosen, every, named, owner, owner_of, tags

FILE = "repository.json"
ACCEPT = (
    "Nothing was made anew. Bring it back (is its disk mounted, are URL and credentials right?); "
    "or, if what it held is given up: make backup-accept"
)


class Known:
    """The ids of the repositories that held backups of these homes, by location: {location: id}."""

    def __init__(self, root: Path) -> None:
        self._file = root / FILE

    def ids(self) -> dict[str, str]:
        """Raises BackupError where the file is damaged."""
        try:
            found: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise BackupError(f"{self._file} is damaged ({error}): make backup-accept") from None
        return found

    def keep(self, location: str, repository: str) -> None:
        """From now on, this one is expected there."""
        write_private(self._file, json.dumps({**self.ids(), location: repository}, indent=1, sort_keys=True) + "\n")

    def drop(self) -> None:
        """Expect nothing."""
        self._file.unlink(missing_ok=True)


def id_of(restic: Restic) -> str:
    """The id of the repository that is there. Raises BackupError."""
    return str(json.loads(restic.run("cat", "config", "--no-lock", limit_s=ANSWER_S))["id"])


def look(restic: Restic, root: Path) -> None:
    """Raise BackupError unless the repository that is known is there. Versions before this one, until `up`, know none."""
    if owner(restic) == NOBODY:
        return
    expected = Known(root).ids().get(restic.location)
    if expected is None:
        raise BackupError(
            f"{restic.location} was not configured for the homes on this volume: run `pulumi up`, or make backup-accept"
        )
    _compare(restic, expected)


def settle(restic: Restic, root: Path, used: bool) -> list[str]:
    """Make sure that the repository is the one that is known; at first make it where there is none, or take the one that is there
    with the snapshots of an earlier version. `used`: whether an earlier version, which kept no id, has backed up into it.

    Returns what was done, in words. Raises BackupError.
    """
    known = Known(root)
    if expected := known.ids().get(restic.location):
        _compare(restic, expected)
        return []
    done = []
    try:
        found = id_of(restic)
    except BackupError as unreadable:
        if used:
            raise BackupError(f"the repository {restic.location} cannot be read any more ({unreadable}). {ACCEPT}") from None
        try:
            restic.run("init", limit_s=ANSWER_S)
        except BackupError:  # it is there, but cannot be read: why is what counts
            raise unreadable from None
        found = id_of(restic)
        done.append(f"made the repository {restic.location}")
    done += _take_unmarked(restic)
    known.keep(restic.location, found)
    return done


def _compare(restic: Restic, expected: str) -> None:
    try:
        found = id_of(restic)
    except BackupError as error:
        raise BackupError(f"the repository {restic.location} cannot be read ({error}). {ACCEPT}") from None
    if found != expected:
        raise BackupError(
            f"another repository is in the place of the one that held the backups: {restic.location} has the id {found[:8]}, "
            f"expected is {expected[:8]}. {ACCEPT}"
        )


def _take_unmarked(restic: Restic) -> list[str]:
    """An earlier version marked no snapshot, and a repository was one stack's alone. So they are this stack's, unless another has
    marked some: then whose the unmarked ones are cannot be known."""
    snapshots = every(restic)
    unmarked = [one for one in snapshots if owner_of(one) == NOBODY]
    if not unmarked:
        return []
    others = sorted({named(owner_of(one)) for one in snapshots} - {named(NOBODY), named(owner(restic))})
    if others:
        return [f"{len(unmarked)} unmarked snapshots are left alone, since the repository is also that of {'; '.join(others)}"]
    _mark(restic, snapshots, NOBODY)
    return [f"took over the {len(unmarked)} snapshots of an earlier version"]


def adopt(restic: Restic, snapshot: str) -> str:
    """Make this stack's all snapshots of whoever the named one is of; returns what was done. Raises BackupError."""
    snapshots = every(restic)
    whose = owner_of(chosen(restic, snapshots, snapshot))
    if whose == owner(restic):
        return "it is this stack's already"
    return f"took over {_mark(restic, snapshots, whose)} snapshots ({named(whose)})"


def _mark(restic: Restic, snapshots: list[Snapshot], whose: Owner) -> int:
    """restic writes each marked snapshot anew, under another id, and then removes the old one; its time stays."""
    ids = [str(one["id"]) for one in snapshots if owner_of(one) == whose]
    wanted = tags(owner(restic))
    # restic removes after it has added.
    old = [] if whose == NOBODY else [f"--remove={tag}" for tag in tags(whose).split(",") if tag not in wanted.split(",")]
    restic.run("tag", *old, f"--add={wanted}", *ids)
    return len(ids)
