"""Debian packages by the machine's own apt configuration: its mirrors, its proxy, its keyrings.

Machines behind a mirror or a proxy have that written in /etc/apt. What the lab builds from packages (base images, the guest
image) must use the same, so it is read from apt itself and never spelled out here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.process import LabError, output_of, run_logged, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CA_FOLDER = Path("/usr/local/share/ca-certificates")
# Settings of apt that a machine with a mirror or a proxy depends on, so everything built on it does too.
_KEPT_SETTINGS = ("::Proxy", "::Check-Valid-Until", "::Check-Date", "::Retries", "::Timeout")

# For a mirror behind https: what is built from it must trust what this machine trusts, or no later apt-get would work in it.
_TRUST_HOOK = (
    f'find {CA_FOLDER} -name "*.crt" -exec cp {{}} "$1/usr/local/share/ca-certificates/" ";" '
    '&& chroot "$1" update-ca-certificates'
)


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """Where this machine gets Debian from. An empty `main` leaves the choice to mmdebstrap (a machine that is not Debian)."""

    main: str
    security: str

    def sources(self, release: str) -> str:
        """The lines of a sources.list for a Debian release by its code name."""
        signed = f"[signed-by={KEYRING}]"
        lines = [f"deb {signed} {self.main} {suite} main" for suite in (release, f"{release}-updates")]
        if self.security:
            lines.append(f"deb {signed} {self.security} {release}-security main")
        return "\n".join(lines) + "\n"


def parse_targets(text: str) -> Mirrors:
    """Read `site suite component` lines, as `apt-get indextargets` prints them, for Debian's main and security archives."""
    main = security = ""
    for line in text.splitlines():
        site, _, rest = line.partition(" ")
        suite, _, component = rest.partition(" ")
        if component != "main":
            continue
        if suite.endswith("-security"):
            security = security or site
        elif f"{suite}-updates main" in text or suite.endswith("-updates"):
            main = main or site
    return Mirrors(main=main, security=security)


def machine_mirrors() -> Mirrors:
    """The mirrors in this machine's apt configuration; empty ones on a machine that is not Debian."""
    if "ID=debian" not in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        return Mirrors(main="", security="")
    form = "$(SITE) $(RELEASE) $(COMPONENT)"
    return parse_targets(output_of(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]))


def kept_settings(dump: str) -> list[str]:
    """Of `apt-config dump`'s lines, the settings that whatever is built on this machine needs to reach the mirror too."""
    return [
        line for line in dump.splitlines()
        if line.startswith("Acquire::") and any(f"{name} " in line or f"{name}::" in line for name in _KEPT_SETTINGS)
    ]  # fmt: skip


def machine_settings() -> list[str]:
    """This machine's apt settings about proxies, retries and dates, as lines for an apt.conf."""
    return kept_settings(output_of(["apt-config", "dump", "Acquire"]))


def extra_ca(folder: Path = CA_FOLDER) -> str:
    """The PEM texts of the certificate authorities that this machine trusts beyond Debian's own; empty if there are none."""
    return "".join(path.read_text(encoding="ascii").strip() + "\n" for path in sorted(folder.glob("*.crt")))


def ensure_programs(packages: dict[str, str]) -> None:
    """Install the Debian packages of the programs (program -> package) that are not there. Needs root only if one is missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in packages.items() if not shutil.which(program, path=path)})
    if missing:
        install(missing)


def install(packages: Sequence[str]) -> None:
    """Install Debian packages on this machine with apt-get."""
    names = " ".join(packages)
    if os.geteuid() != 0:
        raise LabError(f"these packages are missing and only root can install them: {names}")
    if not shutil.which("apt-get"):
        raise LabError(f"these programs are missing and this machine has no apt-get: {names}; install them by its own means")
    say(f"installing {names}")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run_logged("apt-get update", [*apt, "update", "-q"], "apt-update", env=env)
    run_logged(f"installing {names}", [*apt, "install", "-y", "-q", "--no-install-recommends", *packages], "apt", env=env)


def mmdebstrap(release: str, arguments: Iterable[str], log: str, what: str, scratch: Path) -> float:
    """Run mmdebstrap for a release with this machine's mirrors and settings; `arguments` hold the options and the target.

    The target is the last of `arguments`. The tree is made below `scratch`, where the caller can clear it after an
    interruption. Returns the seconds it took.
    """
    ensure_programs({"mmdebstrap": "mmdebstrap"})
    if not KEYRING.exists():
        install(["debian-archive-keyring"])
    *options, target = arguments
    command = ["mmdebstrap", *(f"--aptopt={line}" for line in machine_settings()), *options]
    # Locale C keeps perl quiet in the bare tree.
    env = {"TMPDIR": str(scratch), "LC_ALL": "C"}
    mirrors = machine_mirrors()
    if not mirrors.main:
        return run_logged(what, [*command, f"--keyring={KEYRING}", release, target], log, env=env)
    if mirrors.main.startswith("https:"):
        command += ["--include=ca-certificates", f"--customize-hook={_TRUST_HOOK}"]
    # "-": the sources come by standard input.
    return run_logged(what, [*command, release, target, "-"], log, stdin=mirrors.sources(release), env=env)
