"""Forgets the manifests that nothing names, so that the registry's own collector deletes what only they have.

The collector's `--delete-untagged` looks at tags alone and takes the images of an index for untagged (distribution#3178). Here
whatever a tag reaches stays, through any number of indexes. So does what a line of the file `kept` names by its digest, what came
within the grace, and all of a repository where something cannot be read.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path


class Repository:
    """One repository: its folder `_manifests`, and `blobs`, the folder of all repositories' contents."""

    def __init__(self, manifests: Path, blobs: Path) -> None:
        self._manifests, self._blobs = manifests, blobs

    def tags(self) -> Iterator[tuple[str, str]]:
        """Each tag and its digest. Raises OSError."""
        for tag in sorted(self._manifests.glob("tags/*")):
            if (link := tag / "current" / "link").exists():  # a push that was broken off has none
                yield tag.name, link.read_text().strip()

    def revisions(self) -> dict[str, Path]:
        """The folders of the manifests that are here, by digest."""
        return {f"{folder.parent.name}:{folder.name}": folder for folder in self._manifests.glob("revisions/*/*")}

    def content(self, digest: str) -> Path:
        """The file of a manifest's text, which may be gone."""
        algorithm, _, digits = digest.partition(":")
        return self._blobs / algorithm / digits[:2] / digits / "data"

    def reached(self, digest: str) -> set[str]:
        """A manifest and all that it names as an index. One whose text is gone names nothing.

        Raises ValueError where a text is no manifest, OSError where it cannot be read.
        """
        found, waiting = set(), [digest]
        while waiting:
            if (one := waiting.pop()) in found:
                continue
            found.add(one)
            if (content := self.content(one)).exists():
                manifest = json.loads(content.read_bytes())
                if not isinstance(manifest, dict):
                    raise ValueError(f"{one} is no manifest")
                waiting += [str(entry["digest"]) for entry in manifest.get("manifests", [])]
        return found

    def forget(self, revision: Path) -> None:
        """Let the collector take a manifest for gone. Raises OSError."""
        for entry in self._manifests.glob(f"tags/*/index/{revision.parent.name}/{revision.name}"):
            shutil.rmtree(entry)
        shutil.rmtree(revision)


def collect(images: Path, grace_s: float) -> int:
    """Forget what nothing names in the registry's folder, and print which tags are not whole; returns how many were forgotten.

    A manifest that nothing names stays for `grace_s` seconds: what names it may be pushed later. Raises OSError.
    """
    root = images / "docker" / "registry" / "v2"
    forgotten = 0
    kept = (images / "kept").read_text().split() if (images / "kept").exists() else []
    for manifests in sorted((root / "repositories").glob("**/_manifests")):
        repository = Repository(manifests, root / "blobs")
        name = str(manifests.parent.relative_to(root / "repositories"))
        try:
            needed = needed_of(repository, name, kept)
        except (ValueError, KeyError, TypeError, OSError) as error:
            print(f"registry: nothing of {name} is deleted, since a manifest of it cannot be read: {error!r}", flush=True)
            continue
        for digest, revision in repository.revisions().items():
            link = revision / "link"  # written anew with each push
            young = link.exists() and time.time() - link.stat().st_mtime < grace_s
            # One whose text is gone can serve nobody, and the collector would stop at it.
            if not repository.content(digest).exists() or (digest not in needed and not young):
                repository.forget(revision)
                forgotten += 1
    return forgotten


def needed_of(repository: Repository, name: str, kept: list[str]) -> set[str]:
    """The digests that a repository's tags and `kept` reach. Raises as `Repository.reached` does."""
    needed: set[str] = set()
    for digest in kept:
        needed |= repository.reached(digest)
    here = {digest for digest in repository.revisions() if repository.content(digest).exists()}
    for tag, digest in repository.tags():
        reached = repository.reached(digest)
        needed |= reached
        if not reached <= here:
            print(f"registry: {name}:{tag} is not whole, and no new node can have it: push it again", flush=True)
    return needed


if __name__ == "__main__":
    print(f"registry: {collect(Path(sys.argv[1]), float(sys.argv[2]))} manifests that nothing named are deleted", flush=True)
