"""Where restic writes: a private folder of root's on the homes volume. Nobody else can put a link there, nor look into it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.backup import LOCK as REPOSITORY
from storage.places import locked
from storage.projects import give
from storage.restic import BackupError
from storage.tree import FOLDER

NAME = "restoring"
LOCK = Path("/run/jupyterhub-restore.lock")


@contextmanager
def one_restore(root: Path, lock: Path = LOCK, repository: Path = REPOSITORY) -> Iterator[None]:
    """Hold this for all restores of a run, which begin with removing what one that was cut off has left. Until the end, no
    backup of this node removes a snapshot. Raises BackupError."""
    with locked(lock, wait=False) as alone:
        if not alone:
            raise BackupError("another restore is running on this node; wait until it has ended")
        with locked(repository, wait=False, shared=True) as free:
            if not free:
                print("waiting until the backup has removed old snapshots ...", flush=True)
        with locked(repository, shared=True):
            _remove(root / NAME)
            yield
            _remove(root / NAME)


@contextmanager
def staged(root: Path, project: int = 0) -> Iterator[Path]:
    """An empty folder that is removed in the end. What is made in it belongs to the project, if one is named."""
    private = root / NAME
    private.mkdir(exist_ok=True)
    private.chmod(0o700)
    folder = Path(tempfile.mkdtemp(dir=private))
    try:
        if project:
            descriptor = os.open(folder, FOLDER)
            try:
                give(descriptor, project)
            finally:
                os.close(descriptor)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    # Not by Python, which calls itself for each level.
    command = ["rm", "-rf", "--one-file-system", "--", str(folder)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise BackupError(f"{folder} is left and must be removed by hand: {done.stderr.strip()[-300:]}")
