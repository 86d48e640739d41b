"""Files that are there as a whole or not at all, also after a power cut, whoever else writes them at the same moment."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path


def replace(file: Path, text: str) -> None:
    """Give a file this text. Its folder must be there."""
    new = file.with_name(f".{file.stem}.{secrets.token_hex(4)}")
    try:
        with new.open("x", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        new.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def copy(source: Path, target: Path) -> None:
    """Copy to a file that nobody else looks at yet, and that nobody but its owner may read; on the disk when this returns."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())


def exists(path: Path) -> bool:
    """Unlike Path.exists(), which takes some errors of a storage for a no, this raises OSError."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
