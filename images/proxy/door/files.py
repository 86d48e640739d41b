"""Files that are whole or not there: written beside their place, flushed, moved into it."""

from __future__ import annotations

import os
from pathlib import Path


def write(file: Path, text: str, mode: int = 0o644) -> None:
    """Put a text into a file, whatever was there; a reader sees the old one or the new one. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def point(link: Path, target: Path) -> None:
    """Make a symbolic link lead to another place at one stroke. Raises OSError."""
    link.parent.mkdir(parents=True, exist_ok=True)
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
