"""The guest image goes into the cloud."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from lab.cloud_container import CONTAINER
from lab.cloud_facts import load_facts
from lab.process import BUILD, LabError, say

GUEST = BUILD / "guest"
PARTS = {"kernel": "vmlinuz", "initrd": "initrd", "disk": "disk.qcow2"}
# Emulated guests pay for each guard against the host CPU's flaws, and have none of the flaws.
EMULATED = "mitigations=off"


def seed() -> None:
    """Put the guest image of `.build/lab/guest` into the cloud, unless that very content is the image in use."""
    built = json.loads((GUEST / "built.json").read_text(encoding="utf-8"))
    content = str(built["hash"])[:12]
    if image_command("have", content).returncode == 0:
        return
    size = sum((GUEST / file).stat().st_size for file in PARTS.values())
    say(f"cloud: storing the guest image {content} ({size / 1e6:.0f} MB)")
    for part, file in PARTS.items():
        checked(image_command("put", content, part, source=GUEST / file), f"storing {file}")
    arguments = str(built.get("kernel_arguments", "root=LABEL=root console=ttyS0"))
    if not load_facts().get("kvm"):
        arguments += f" {EMULATED}"
    checked(image_command("use", content, arguments), "making it the image in use")


def image_command(*words: str, source: Path = Path("/dev/null")) -> subprocess.CompletedProcess[str]:
    """Run the container's image.py with a file as its standard input."""
    command = ["docker", "exec", "--interactive", CONTAINER, "python3", "/opt/lab/recipe/image.py", *words]
    with source.open("rb") as stdin:
        return subprocess.run(command, stdin=stdin, capture_output=True, text=True, timeout=900, check=False)


def checked(done: subprocess.CompletedProcess[str], what: str) -> None:
    """Raise LabError with the end of the output if a command failed."""
    if done.returncode != 0:
        trouble = done.stderr.strip()[-600:]
        raise LabError(f"{what} failed: {trouble}; run the same command again, or see: make logs SERVICE=glance")
