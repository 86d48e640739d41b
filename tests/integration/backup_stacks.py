"""Stacks with homes in plain folders that back up with the real restic, into one repository or into several."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import backup, restore_names, snapshots
from storage.backup import FOLDERS
from storage.repository import settle
from storage.restic import Restic

PASSWORD = "very secret"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack's node: `root` is the homes volume, `config` what `up` has sent."""

    root: Path
    config: Path

    @classmethod
    def made(cls, folder: Path, name: str, repository: str, volume: str = "", **config: Any) -> Stack:
        """With one home, whose only file holds the stack's name. Nothing is configured yet."""
        for sub in FOLDERS:
            (folder / name / sub).mkdir(parents=True, exist_ok=True)
        stack = cls(root=folder / name, config=folder / f"{name}.json")
        stack.write(f"of {name}")
        stack.configure(repository, stack=name, volume=volume or f"{name}-volume", **config)
        return stack

    def write(self, text: str, home: str = "ada", file: str = "notes.txt") -> Path:
        path = self.root / "users" / home / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def configure(self, repository: str, **config: Any) -> None:
        values = {"repository": repository, "password": PASSWORD, "environment": {}, "keep": {"daily": 7}, **config}
        self.config.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))

    @property
    def restic(self) -> Restic:
        return Restic(self.config, patience_s=0)

    def settle(self, used: bool = False) -> list[str]:
        """What `backup configure` does with the repository."""
        return settle(self.restic, self.root, used)

    def back_up(self, lock: Path | None = None) -> str:
        """A backup without the weekly check; what it warns of."""
        return backup.back_up(self.restic, self.root, lock or self.config.with_suffix(".lock"), checked=2**40)[0]

    def snapshots(self) -> list[snapshots.Snapshot]:
        """This stack's own."""
        return snapshots.ours(self.restic, snapshots.every(self.restic))

    def every(self) -> int:
        return len(snapshots.every(self.restic))

    def latest(self) -> str:
        """The text of Ada's file in what a restore would take."""
        newest = snapshots.chosen(self.restic, snapshots.every(self.restic), "latest")
        assert "ada" in restore_names.in_snapshot(self.restic, newest["short_id"], self.root)
        return self.restic.run("dump", newest["id"], str(self.root / "users" / "ada" / "notes.txt"))
