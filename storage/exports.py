"""Whether the homes are served, and to all nodes of the swarm: by what the kernel exports, not by what it was asked to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path("/srv/homes")
EXPORTS = Path("/etc/exports.d")
AGAIN = "pulumi up --replace '**::storage-NODE-export' for each"


def served(nodes: Sequence[str], systemctl: Callable[..., str], folder: Path = EXPORTS) -> tuple[bool, str]:
    """Whether the server runs and these nodes, and all that it was told of, can mount the homes; and words for it."""
    state = systemctl("is-active", "nfs-server")
    if state != "active":
        return False, f"{state}: no notebook reaches its home; sudo systemctl start nfs-server, and see journalctl -u nfs-server"
    files = {path.name.removeprefix("jupyterhub-").removesuffix(".exports"): path for path in folder.glob("jupyterhub-*.exports")}
    missing = sorted(set(nodes) - set(files))
    if missing:
        return False, f"no export for {', '.join(missing)}, where homes cannot be mounted: {AGAIN}"
    exported = _exported()
    idle = sorted(name for name, path in files.items() if not _clients(path) or not exported.issuperset(_clients(path)))
    if idle:
        return (
            False,
            f"not exported to {', '.join(idle)}, where homes cannot be mounted: sudo exportfs -ra, then exportfs -s",
        )
    return True, f"active, exported to {len(files)} nodes"


def _exported() -> set[str]:
    """The clients that the kernel knows: `exportfs -s` has a line each, the folder and the client with its options."""
    said = subprocess.run(["exportfs", "-s"], capture_output=True, text=True, check=False).stdout
    return {words[1].partition("(")[0] for words in map(str.split, said.splitlines()) if words[:1] == [str(ROOT)]}


def _clients(exports: Path) -> set[str]:
    lines = exports.read_text(encoding="utf-8").splitlines()
    return {word.partition("(")[0] for line in lines for word in line.split()[1:]}
