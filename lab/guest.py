"""The guest image of the lab: Debian 13 as a cloud would offer it, with Docker and the project's container images in it.

A disk without a boot loader: OpenStack boots the kernel and the initrd beside it. Made in two layers, so that a change of a
container image does not install Debian again: a tree of packages, kept as a tar by its inputs, and the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from lab.apt import ensure_programs, machine_mirrors, machine_settings, mmdebstrap
from lab.bake import load_images, throwaway_dockerd
from lab.process import BUILD, LabError, run_logged, say
from lab.scratch import scratch_folder

RELEASE = "trixie"
DISK_GIB = 10  # the root disk of the lab's flavors: nothing to grow at first boot
SOURCE = Path(__file__).resolve().parent / "guest"
GUEST = BUILD / "guest"
CACHE = GUEST / "cache"
OUTPUTS = ("disk.qcow2", "vmlinuz", "initrd")
# The console is what OpenStack's console log shows. Mitigations guard against neighbours that a lab does not have, and cost a
# quarter of all time without KVM. systemd would look for a way to offer ssh without a network.
KERNEL_ARGUMENTS = "root=LABEL=root ro console=ttyS0 loglevel=4 mitigations=off audit=0 fsck.mode=skip systemd.ssh_auto=no"
_PROGRAMS = {"mkfs.ext4": "e2fsprogs", "qemu-img": "qemu-utils", "tar": "tar", "dockerd": "docker.io"}


def ensure_guest(references: Sequence[str], extra_ca: str) -> Path:
    """Have the guest image with these container images (which this machine's engine has); returns its folder.

    `extra_ca` (PEM) is trusted in the guest. The folder holds disk.qcow2, vmlinuz, initrd, and built.json: `hash` of all
    inputs, `kernel_arguments`, `disk_gib`. An interrupted build is begun again, what a killed one left is cleared first.
    """
    wanted = guest_hash(references, extra_ca)
    if built_hash() == wanted:
        return GUEST
    if os.geteuid() != 0:
        raise LabError("the guest image is made of files that belong to root: run this as root")
    ensure_programs(_PROGRAMS)
    base = ensure_base(extra_ca)
    with scratch_folder(GUEST / "work") as work:
        _build(base, references, wanted, work)
    return GUEST


def ensure_base(extra_ca: str) -> Path:
    """Have the guest's tree of Debian packages as a tar file; returns its path. Needs no Docker, so it may be made early."""
    tar = CACHE / f"base-{base_hash(extra_ca)}.tar"
    if tar.exists():
        return tar
    CACHE.mkdir(parents=True, exist_ok=True)
    say("guest image: installing Debian packages")
    with scratch_folder(CACHE / "scratch") as scratch:
        ca_file = scratch / "ca.pem"
        ca_file.write_text(extra_ca, encoding="ascii")
        options = base_options(ca_file, scratch / "base.tar")
        seconds = mmdebstrap(RELEASE, options, "guest-base", "installing the guest's packages", scratch)
        (scratch / "base.tar").rename(tar)
    for old in CACHE.glob("base-*.tar"):
        if old != tar:
            old.unlink()
    say(f"guest image: packages installed in {seconds:.0f} s")
    return tar


def base_options(ca_file: Path, target: Path) -> list[str]:
    """mmdebstrap's options for the guest's tree; the target comes last."""
    script = shlex.quote(str(SOURCE / "customize.sh"))
    return [
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(packages())}",
        '--aptopt=APT::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude=/usr/share/{pattern}" for pattern in ("doc/*", "man/*", "info/*", "locale/*")),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f'--customize-hook={script} "$1" {shlex.quote(str(ca_file))}',
        str(target),
    ]


def packages() -> list[str]:
    """The package names of guest/packages.txt."""
    lines = (SOURCE / "packages.txt").read_text(encoding="ascii").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def base_hash(extra_ca: str) -> str:
    """Twelve hex digits over what the tree of packages is made from."""
    digest = hashlib.sha256(f"{machine_mirrors().sources(RELEASE)}\0{machine_settings()}\0{extra_ca}\0".encode())
    digest.update("\0".join(base_options(Path("ca"), Path("tar"))).replace(str(SOURCE), "").encode())
    for path in sorted(path for path in SOURCE.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(SOURCE)}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def guest_hash(references: Sequence[str], extra_ca: str) -> str:
    """Twelve hex digits over all inputs of the guest image; container images count by their references, which name content."""
    inputs = "\0".join([base_hash(extra_ca), *sorted(references), str(DISK_GIB), KERNEL_ARGUMENTS])
    return hashlib.sha256(inputs.encode()).hexdigest()[:12]


def built_hash() -> str:
    """The hash of the guest image that is there, or an empty text where none is complete."""
    try:
        hash_ = json.loads((GUEST / "built.json").read_text(encoding="ascii"))["hash"]
    except (OSError, ValueError, KeyError):
        return ""
    return str(hash_) if all((GUEST / name).exists() for name in OUTPUTS) else ""


def _build(base: Path, references: Sequence[str], wanted: str, work: Path) -> None:
    tree = work / "tree"
    tree.mkdir(parents=True)
    unpack = ["tar", "--xattrs", "--xattrs-include=*", "-xpf", str(base), "-C", str(tree)]
    seconds = run_logged("unpacking the guest's tree", unpack, "guest-tar")
    say(f"guest image: unpacked in {seconds:.0f} s")
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd")):
        found = sorted((tree / "boot").glob(pattern))
        if not found:
            raise LabError(f"the guest's tree has no boot/{pattern}; see guest-base.log for what the kernel package said")
        found[-1].rename(work / name)
    with throwaway_dockerd(tree / "var/lib/docker", work) as address:
        load_images(references, address)
    say("guest image: container images are in")
    raw, disk = work / "disk.raw", work / "disk.qcow2"
    with raw.open("wb") as file:
        file.truncate(DISK_GIB * 1024**3)
    # Tables are written here, not by the guest's kernel in the background of its first minutes.
    options = ["-q", "-F", "-L", "root", "-m", "1", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    run_logged("making the guest's disk", ["mkfs.ext4", *options, "-d", str(tree), str(raw)], "guest-mkfs")
    run_logged("converting the guest's disk", ["qemu-img", "convert", "-O", "qcow2", "-W", str(raw), str(disk)], "guest-convert")
    (GUEST / "built.json").unlink(missing_ok=True)
    for name in OUTPUTS:
        (work / name).replace(GUEST / name)
    facts = {"hash": wanted, "kernel_arguments": KERNEL_ARGUMENTS, "disk_gib": DISK_GIB, "images": sorted(references)}
    (work / "built.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="ascii")
    (work / "built.json").replace(GUEST / "built.json")
    say(f"guest image: done, {(GUEST / 'disk.qcow2').stat().st_size / 1024**3:.1f} GiB")
