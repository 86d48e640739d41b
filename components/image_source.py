"""Where a container image comes from: a reference that a registry answers, or a folder built on the nodes.

Standard library only: the lab imports this file too, to bake the same images under the same names into its guest image.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# With a host in it, since Swarm asks the reference's registry at each start of a task: without one that is Docker Hub, where
# anybody could publish an image of this name. On a node's port 5000 is the swarm's own registry, or nothing.
# Not `localhost`: that may be ::1, where Swarm takes connections to its ingress network and never answers.
REGISTRY = "127.0.0.1:5000"
REPOSITORY = f"{REGISTRY}/jupyterhub-swarm"


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """An image by its full reference (with a tag); `context` is its build folder, or None where it is pulled."""

    reference: str
    context: Path | None

    @classmethod
    def parse(cls, value: str, root: Path = PROJECT_ROOT) -> ImageSource:
        """Read a config value: `./folder` is built and tagged by its content, anything else is a reference.

        Raises ValueError where the folder has no Dockerfile, or a reference has neither tag nor digest (the Docker daemon
        would add `latest`, and the next preview would show a change that nobody made).
        """
        if value.startswith("./"):
            context = (root / value).resolve()
            if not (context / "Dockerfile").is_file():
                raise ValueError(f"names a folder to build, but {value}/Dockerfile does not exist")
            return cls(reference=f"{REPOSITORY}/{context.name}:{content_hash(context)}", context=context)
        if "@sha256:" not in value and ":" not in value.rsplit("/", 1)[-1]:
            raise ValueError(f"has no tag; write a full reference such as {value}:1.0")
        return cls(reference=value, context=None)

    def archive(self) -> str:
        """The build context as a base64 text of a gzipped tar: the same bytes for the same content, whenever it is made."""
        if self.context is None:
            raise ValueError(f"{self.reference} is pulled, not built: it has no build context")
        return pack(context_files(self.context), self.context)


def pack(files: Iterable[Path], root: Path) -> str:
    """The files, named from `root`, as a base64 text of a gzipped tar: always the same text for the same content."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path in files:
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(root).as_posix())
            # Not the file's own mode, which depends on the umask of whoever made the checkout.
            entry.size, entry.mode = len(data), 0o755 if is_executable(path) else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return base64.b64encode(gzip.compress(plain.getvalue(), mtime=0)).decode()


def context_files(context: Path) -> Iterator[Path]:
    """The files of a build folder in a stable order, without Python's caches."""
    for path in sorted(context.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def is_executable(path: Path) -> bool:
    """Whether the owner may execute the file: all of its mode that counts."""
    return bool(path.stat().st_mode & 0o100)


def content_hash(context: Path) -> str:
    """Twelve hex digits over the names, modes and bytes of a build folder."""
    digest = hashlib.sha256()
    for path in context_files(context):
        digest.update(f"{path.relative_to(context).as_posix()}\0{is_executable(path)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
