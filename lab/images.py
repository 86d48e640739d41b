"""Container images on this machine: Debian's base images, and the project's own by the name that carries their content.

Where a registry answers, base images are pulled. Where none does, they are made from Debian packages under the very name that
the Dockerfiles use, so the Dockerfiles are the same everywhere.
"""

from __future__ import annotations

import re
import subprocess
import threading

from components.image_source import ImageSource
from lab.apt import mmdebstrap
from lab.process import BUILD, LOGS, LabError, output_of, run_logged, say
from lab.scratch import scratch_folder

PULL_ANSWER_S = 15  # a registry that has not named the image by then is taken as out of reach
BASE_LABEL = "jupyterhub-swarm.base=mmdebstrap"
# What Debian's slim images leave out.
_EXCLUDED = ("doc/*", "man/*", "info/*", "locale/*", "groff/*", "lintian/*", "linda/*")
_POLICY = r"""printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d" """


def image_exists(reference: str) -> bool:
    """Whether the engine on this machine has an image."""
    return _docker_quietly("image", "inspect", reference)


def ensure_base_image(release: str) -> str:
    """Have `debian:<release>-slim` on this machine, pulled or made from packages; returns its reference."""
    reference = f"debian:{release}-slim"
    if image_exists(reference) or pull(reference):
        return reference
    say(f"no registry answers for {reference}: making it from Debian packages")
    with scratch_folder(BUILD / f"base-{release}") as folder:
        tree = folder / "base.tar"
        seconds = mmdebstrap(release, base_options(str(tree)), f"base-{release}", f"making {reference} from packages", folder)
        changes = ["ENV LANG=C.UTF-8", 'CMD ["bash"]', f"LABEL {BASE_LABEL}"]
        options = [word for change in changes for word in ("--change", change)]
        output_of(["docker", "import", *options, str(tree), reference], timeout_s=300)
    say(f"made {reference} in {seconds:.0f} s")
    return reference


def base_options(target: str) -> list[str]:
    """mmdebstrap's options for a tree like Debian's slim images; the target comes last."""
    return [
        "--variant=minbase",
        "--format=tar",
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude=/usr/share/{pattern}" for pattern in _EXCLUDED),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--aptopt=Acquire::Languages none",
        "--aptopt=Apt::AutoRemove::SuggestsImportant false",
        f"--customize-hook={_POLICY}",
        '--customize-hook=rm -rf "$1"/var/log/* "$1"/var/lib/apt/lists/*',
        target,
    ]


def pull(reference: str) -> bool:
    """Try to pull an image; False where no registry answers within PULL_ANSWER_S seconds or it does not have the image."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / "pull.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(["docker", "pull", reference], stdout=subprocess.PIPE, stderr=log, text=True)
        # The first line comes when the registry has named the image; the layers may then take their time.
        timer = threading.Timer(PULL_ANSWER_S, process.kill)
        timer.start()
        for line in process.stdout or ():
            timer.cancel()
            log.write(line)
        timer.cancel()
        return process.wait() == 0


def build(source: ImageSource, extra_ca: str) -> float:
    """Build an image from its folder unless this machine has it; returns the seconds spent.

    `extra_ca` (PEM) is trusted while pip and npm download, and is not kept in the image. The classic builder is used, since
    Debian's docker.io brings no other; the host's network, since a machine behind a filter may route only its own addresses.
    """
    if source.context is None:
        raise LabError(f"{source.reference} is a reference, not a folder: there is nothing to build; pull it")
    if image_exists(source.reference):
        return 0.0
    dockerfile = (source.context / "Dockerfile").read_text(encoding="utf-8")
    for release in base_releases(dockerfile):
        ensure_base_image(release)
    say(f"building {source.reference}")
    seconds = 0.0
    for target, name in build_targets(source.reference, dockerfile):
        seconds += run_logged(
            f"building {name}",
            ["docker", "build", "--network", "host", "--force-rm", "--build-arg", "EXTRA_CA", *target,
             "--tag", name, str(source.context)],
            f"build-{name.rpartition('/')[2].partition(':')[0]}",
            env={"DOCKER_BUILDKIT": "0", "EXTRA_CA": extra_ca},
        )  # fmt: skip
        prune(name)
    say(f"built {source.reference} in {seconds:.0f} s")
    return seconds


def build_targets(reference: str, dockerfile: str) -> list[tuple[list[str], str]]:
    """Options and tags of the builds that make an image: its build stage, if it has one, and the image itself.

    The stage gets a name of its own, so that it can be found and removed once a newer one is there: without one it would stay
    for ever among the engine's nameless images.
    """
    image: tuple[list[str], str] = ([], reference)
    if not re.search(r"^FROM .* AS build$", dockerfile, re.MULTILINE):
        return [image]
    repository, _, tag = reference.rpartition(":")
    return [(["--target", "build"], f"{repository}-build:{tag}"), image]


def base_releases(dockerfile: str) -> list[str]:
    """The Debian releases that a Dockerfile's `FROM debian:<release>-slim` lines name, each once."""
    found = (line.split()[1] for line in dockerfile.splitlines() if line.startswith("FROM debian:"))
    return sorted({reference.removeprefix("debian:").removesuffix("-slim") for reference in found})


def prune(reference: str) -> list[str]:
    """Remove the older tags of an image's repository that no container uses; returns what was removed."""
    repository = reference.rsplit(":", 1)[0]
    listed = output_of(["docker", "image", "ls", repository, "--format", "{{.Repository}}:{{.Tag}}"]).split()
    # Without --force the engine itself refuses to remove what a container uses.
    return [old for old in listed if old != reference and _docker_quietly("image", "rm", old)]


def _docker_quietly(*arguments: str) -> bool:
    """Whether a docker command succeeded, its output left aside."""
    return subprocess.run(["docker", *arguments], capture_output=True, check=False).returncode == 0
