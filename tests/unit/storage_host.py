"""A node with a volume that is not there: the disk, its mount and systemd's units are files, and fake programs change them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.unit.fake_host import FakeHost
from tools.graph import ROOT

VOLUME = "0a7d6b3c-1f2e-4d5c-8b9a-001122334455"
LINK = f"virtio-{VOLUME[:20]}"
OURS, OTHER = "254:16\n", "254:32\n"  # numbers of disks
CUT_OFF = -9  # how a script that was killed ends

# A disk by files of its properties; what a program changes of it, it changes there. `mounted` is the number of the disk that is.
PROGRAMS = {
    "blkid": """for tag in TYPE LABEL UUID PTTYPE; do
  case "$*" in *"--match-tag $tag "*) [ -e "$tag" ] && cat "$tag" ;; esac
done; [ -e TYPE ]""",
    "wipefs": "[ ! -e signature ] || cat signature",
    "cmp": "[ ! -e written ]",
    "blockdev": "cat size",
    "mkfs.xfs": "[ -e broken ] && exit 1; echo xfs >TYPE; echo jh-new >LABEL; echo 1-2-3 >UUID; touch written; [ ! -e cut ]",
    "xfs_admin": 'echo "$2" >LABEL',
    "mountpoint": """case "$1" in
  --devno) cat number ;;
  --fs-devno) cat mounted ;;
  *) [ -e mounted ] && [ ! -e "unseen-by-${VIEW:-all}" ] ;;
esac""",
    "mount": "cp number mounted",
    "umount": 'if [ "$VIEW" ]; then touch "unseen-by-$VIEW"; else [ ! -e busy ] && rm mounted; fi',
    "unshare": 'export VIEW=$$; shift; "$@"',
    "findmnt": 'case "$*" in *SOURCE*) echo /dev/other ;; *) echo mounted as it should be ;; esac',
    "xfs_growfs": "",
    "chattr": "",
    "dpkg": "",
    "apt-get": "",
    "exportfs": "",
    "restic": "",
    "jupyterhub-storage": "",
    "sync": "",
    "systemd-escape": 'echo "dev-${@: -1}.device" | tr -d /',
}
# Units are files in `active` and `enabled`. What it has read is in `read`: fstab and units at a reload, the rest by a restart.
SYSTEMCTL = """cd {folder}; mkdir -p active enabled
now= verb= units=()
for word; do
  case $word in --now) now=yes ;; -*) ;; *) if [ -z "$verb" ]; then verb=$word; else units+=("${{word%.service}}"); fi ;; esac
done
case $verb in
  daemon-reload) cat fstab root/etc/systemd/system/* >read-units 2>/dev/null ;;
  try-restart) cat root/etc/nfs.conf.d/* >"read-${{units[0]}}" 2>/dev/null ;;
esac
for unit in "${{units[@]}}"; do
  case $verb in
    show) if [ -e "active/$unit" ]; then echo active; else echo inactive; fi ;;
    is-enabled) [ -e "enabled/$unit" ] || exit 1 ;;
    start) touch "active/$unit" ;;
    stop) rm -f "active/$unit" ;;
    enable) touch "enabled/$unit" ;;
    disable) rm -f "enabled/$unit"; if [ "$now" ]; then rm -f "active/$unit"; fi ;;
  esac
done
true"""
# The places of the scripts that are put in a folder of the test.
PLACES = (
    "/etc/systemd/system",
    "/etc/exports.d",
    "/etc/nfs.conf.d",
    "/etc/jupyterhub-storage",
    "/usr/local/sbin",
    "/usr/local/lib/jupyterhub-swarm",
)
# Read by a script before it begins: it and all that it has started are killed before its command number CUT.
CUT = """unset BASH_ENV; export -n CUT; step=0; set -o functrace
trap 'if [ $((++step)) -eq "$CUT" ]; then kill -KILL 0; fi' DEBUG
"""


class StorageHost(FakeHost):
    """A node with an attached volume of 4 GiB and an fstab; `mount` is where the volume belongs."""

    def __init__(self, folder: Path, link: str = LINK) -> None:
        super().__init__(folder)
        for name, body in PROGRAMS.items():
            self.program(name, body)
        self.program("systemctl", SYSTEMCTL.format(folder=shlex.quote(str(folder))))
        self.devices, self.fstab, self.mount = folder / "devices", folder / "fstab", folder / "srv" / "homes"
        self.device = self.devices / link
        self.devices.mkdir()
        self.device.touch()
        self.fstab.write_text("LABEL=root / ext4 defaults 0 1\n")
        self.has(size=str(4 * 1024**3), number=OURS)

    def has(self, **properties: str) -> None:
        """Let the disk have these properties."""
        for name, value in properties.items():
            (self.folder / name).write_text(value)

    def script(self, name: str, *arguments: str, cut: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a script of storage/; killed before its command number `cut`."""
        values = {"DEVICES": str(self.devices), "FSTAB": str(self.fstab), "PATIENCE": "2", **settings}
        if cut:
            (self.folder / "cut.bash").write_text(CUT)
            values |= {"BASH_ENV": str(self.folder / "cut.bash"), "CUT": str(cut)}
        words = [f"{key}={shlex.quote(value)}" for key, value in values.items()]
        done = self.run(
            f"{' '.join(words)} exec setsid --wait {shlex.join(['/bin/bash', str(ROOT / 'storage' / name), *arguments])}"
        )
        if done.returncode == 128 + 9:
            done.returncode = CUT_OFF
        return done

    def prepare(self, gib: int = 4, **options: int) -> subprocess.CompletedProcess[str]:
        """Run prepare-volume.sh."""
        return self.script("prepare-volume.sh", VOLUME, "jh-homes", str(self.mount), str(gib), cut=options.get("cut", 0))

    def release(self, folder: str = "/srv/homes", cut: int = 0) -> subprocess.CompletedProcess[str]:
        """Run release-volume.sh."""
        return self.script("release-volume.sh", folder, cut=cut)

    def placed(self, name: str, cut: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a script, or one with an argument, that puts files in place."""
        if not (self.folder / "root").exists():
            place(self.folder / "storage", self.folder / "root")
        script, *arguments = name.split()
        return self.script(str(self.folder / "storage" / script), *arguments, cut=cut)

    def state(self) -> dict[str, str]:
        """All that the node will go on with, by path: what is not of the test's own, and no matter in which folder beside."""
        found = {}
        for path in self.folder.rglob("*"):
            name = re.sub(r"\.found-under-the-mount\.\w+", ".found", path.relative_to(self.folder).as_posix())
            if path.is_file() and not name.startswith(("bin/", "storage/", "calls", "cut.bash", "unseen-by")):
                found[name] = path.read_text().replace(str(self.folder), "").replace(str(self.folder).replace("/", ""), "")
        return found

    def line(self) -> str:
        """What belongs into fstab."""
        unit = f"dev-{self.device}.device".replace("/", "")
        wanted = f"x-systemd.wanted-by=local-fs.target,x-systemd.wanted-by={unit}"
        return f"{self.device} {self.mount} xfs defaults,pquota,nofail,x-systemd.mount-timeout=infinity,{wanted} 0 0\n"

    def units(self, what: str, *names: str) -> set[str]:
        """Let these units be `active` or `enabled`; returns those that are."""
        folder = self.folder / what
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).touch()
        return {path.name for path in folder.iterdir()}

    def formatted(self) -> bool:
        return bool(self.calls("mkfs.xfs"))


def place(scripts: Path, root: Path) -> None:
    """Copy storage/ to `scripts`, changed to put into `root` what it puts into the system's folders."""
    shutil.copytree(ROOT / "storage", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for script in (scripts / "install.sh", scripts / "serve-homes.sh"):
        text = script.read_text()
        for folder in PLACES:
            text = text.replace(folder, f"{root}{folder}")
        script.write_text(text)
    for folder in {*PLACES} - {"/etc/exports.d"}:  # no package brings it
        (root / folder.lstrip("/")).mkdir(parents=True)
