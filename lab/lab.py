"""The lab's command line: `make up`, `make down`, `make lab`, `make status`, `make logs`.

Standard library only: it runs on a fresh machine before anything is installed.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.image_source import ImageSource
from lab import apt, cloud, guest, images, stack
from lab.process import BUILD, LabError, interrupt_running, run_logged, say
from lab.steps import MemoryPeak, Steps

ROOT = stack.ROOT
BAKED = ("./images/hub", "./images/userproxy", "./images/proxy", "./images/notebook", "./images/registry")
CA_FILE = BUILD / "extra-ca.pem"
# What the host itself needs, beside Docker's own packages (lab/engine.sh).
PACKAGES = {
    "ssh": "openssh-client",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "qemu-img": "qemu-utils",
    "mkfs.ext4": "e2fsprogs",
}


def main() -> int:
    """Run one command; errors that the lab can explain are printed without a traceback. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("command", choices=["up", "lab", "down", "status", "logs"])
    parser.add_argument("service", nargs="?", default="", help="for logs: a service of the cloud, such as nova-compute")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with lock(arguments.command in ("up", "lab", "down")):
            COMMANDS[arguments.command](arguments.service)
    except LabError as error:
        print(f"\nlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        interrupt_running()
        print("\nlab: interrupted; nothing is lost: run the same command again to go on", file=sys.stderr)
        return 130
    return 0


@contextmanager
def lock(wanted: bool) -> Iterator[None]:
    """Keep a second `up` or `down` out while one runs; raises LabError that names its process."""
    if not wanted:
        yield
        return
    if os.geteuid() != 0:
        raise LabError("the lab needs root (it makes a network, a route and a container with devices): run it with sudo")
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise LabError(f"another run (process {file.read().strip()}) works on this lab; wait for it or end it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def up(_: str) -> None:
    """From whatever is there to a hub that lets people in."""
    with MemoryPeak() as memory:
        steps = _lab_steps()
        steps.add("toolchain", toolchain, after=["packages"])
        steps.add("pulumi up", bring_up, after=["toolchain", "cloud: seed"])
        steps.add("hub answers", hub_answers, after=["pulumi up"])
        steps.finish()
    print(f"\n{steps.table()}\npeak memory above start: {memory.above_start / 1024**3:.1f} GiB\n")
    outputs = stack.outputs()
    print(f"JupyterHub:  {outputs['url']}\nsign in as:  any name, with {outputs['password']}")
    print(f"             admin, with {outputs['adminPassword']}")
    print(f"a node:      {outputs['ssh']}")
    print("its CA:      . .build/env; pulumi stack output caCertificate >ca.pem, for a browser or for curl --cacert")
    print("pulumi:      . .build/env, then for instance: pulumi config set workers 2 && pulumi up")


def lab_only(_: str) -> None:
    """The cloud without the stack."""
    steps = _lab_steps()
    steps.finish()
    print(f"\n{steps.table()}")


def _lab_steps() -> Steps:
    """Everything up to a seeded cloud. Two cores: a build, a download and a boot go well side by side, more do not."""
    cloud.preflight()
    write_ca()
    stack.ensure_key()
    extra_ca = CA_FILE.read_text(encoding="utf-8")
    sources = [ImageSource.parse(value) for value in BAKED]
    steps = Steps()
    steps.add("packages", lambda: apt.ensure_programs(PACKAGES))
    steps.add("docker engine", engine_start, after=["packages"])
    steps.add("cloud: image", cloud.ensure_image, after=["docker engine"])
    steps.add("cloud: start", cloud.start, after=["cloud: image"])
    steps.add("guest: packages", lambda: guest.ensure_base(extra_ca), after=["docker engine"])
    before = "docker engine"
    for source in sources:
        name = f"image: {source.reference}"
        steps.add(name, functools.partial(images.build, source, extra_ca), after=[before])
        before = name
    references = [source.reference for source in sources]
    steps.add("guest: disk", lambda: guest.ensure_guest(references, extra_ca), after=[before, "guest: packages"])
    steps.add("cloud: seed", cloud.seed, after=["cloud: start", "guest: disk"])
    return steps


def engine_start() -> None:
    """Use the Docker engine that runs, or start one."""
    run_logged("starting the Docker engine", [str(ROOT / "lab" / "engine.sh"), "start"], "engine")


def toolchain() -> None:
    """The Pulumi engine, its plugins and the program's virtual environment."""
    run_logged("the toolchain", ["make", "--no-print-directory", "-C", str(ROOT), "toolchain"], "toolchain", timeout_s=3600)
    stack.write_env()


def bring_up() -> None:
    """`pulumi up` of the stack on the cloud that runs now."""
    stack.select(cloud.cloud_id())
    say(f"pulumi up: {stack.up()}")


def hub_answers() -> None:
    """Wait until people can sign in."""
    outputs = stack.outputs()
    stack.wait_for_page(str(outputs["url"]), str(outputs["caCertificate"]))


def write_ca() -> None:
    """Gather the certificates that this machine trusts beyond Debian's own, for builds behind a TLS-inspecting proxy."""
    CA_FILE.parent.mkdir(parents=True, exist_ok=True)
    CA_FILE.write_text(apt.extra_ca(), encoding="utf-8")


def down(_: str) -> None:
    """Remove all that `up` left running; downloads, images and builds stay, so that the next `up` is a warm one."""
    cloud.stop()
    shutil.rmtree(stack.STATE, ignore_errors=True)
    run_logged("stopping the Docker engine", [str(ROOT / "lab" / "engine.sh"), "stop"], "engine-stop")
    say("down: what `make up` started is gone; .build/ keeps what was built (`make clean` removes it)")


def status(_: str) -> None:
    """What runs: the cloud's services, its servers, the stack's outputs."""
    for name, value in cloud.status().items():
        print(f"{name:<20} {value}")
    if stack.STATE.exists():
        for output, text in stack.outputs().items():
            print(f"{output:<20} {text}")


def logs(service: str) -> None:
    """The end of a cloud service's log, or the names to choose from."""
    print(cloud.logs(service))


COMMANDS = {"up": up, "lab": lab_only, "down": down, "status": status, "logs": logs}

if __name__ == "__main__":
    sys.exit(main())
