"""The container that the cloud runs in: how it is started, what it says of itself, and how it is brought back to health."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from lab.cloud_network import NETWORK
from lab.cloud_probe import kvm_device
from lab.process import LabError, output_of, say

CONTAINER = VOLUME = "jupyterhub-swarm-lab"
LABEL = "jupyterhub-swarm.lab"
READY_S, PATIENCE_S, YOUNG_S = 180, 60, 180
SHOW_EVERY_S = 10
HOPELESS = 6  # failures of one service in a row


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that `docker run` is told. `dns` is comma-separated, `mtu` in bytes."""

    image: str
    address: str
    floating: str
    mtu: int
    dns: str
    kvm: bool
    privilege: tuple[str, ...]


def run_command(plan: Plan, identity: str) -> list[str]:
    """The command that starts a new cloud; `identity` tells it from every other one."""
    labels = {"id": identity, "floating": plan.floating, "kvm": "yes" if plan.kvm else "no"}
    env = {
        "LAB_FLOATING": plan.floating,
        "LAB_MTU": str(plan.mtu),
        "LAB_DNS": plan.dns,
        "LAB_VIRT": "kvm" if plan.kvm else "qemu",
    }
    return [
        "docker", "run", "--detach", "--name", CONTAINER, "--hostname", "lab",
        *plan.privilege, *kvm_device(plan.kvm, plan.privilege),
        "--network", NETWORK, "--ip", plan.address, "--stop-timeout", "75", "--tmpfs", "/run", "--volume", f"{VOLUME}:/srv/lab",
        *(word for name, value in labels.items() for word in ("--label", f"{LABEL}.{name}={value}")),
        *(word for name, value in env.items() for word in ("--env", f"{name}={value}")),
        plan.image,
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Container:
    """A cloud's container as found. `machines` is None where nobody can say how many it holds."""

    image: str
    running: bool
    paused: bool
    labels: dict[str, str]
    address: str
    age: float
    machines: int | None
    report: dict[str, Any]

    @property
    def ready(self) -> bool:
        return self.running and not self.paused and bool(self.report.get("ready"))


def find() -> Container | None:
    """The lab's container, or None."""
    done = subprocess.run(["docker", "container", "inspect", CONTAINER], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    found = json.loads(done.stdout)[0]
    if f"{LABEL}.id" not in (found["Config"]["Labels"] or {}):
        raise LabError(f"there is a container {CONTAINER} that the lab did not make; rename it: docker rename {CONTAINER} OTHER")
    state, endpoint = found["State"], found["NetworkSettings"]["Networks"].get(NETWORK) or {}
    told = report() if state["Running"] and not state["Paused"] else {}
    machines = told.get("machines")
    return Container(
        image=found["Config"]["Image"],
        running=state["Running"],
        paused=state["Paused"],
        labels=found["Config"]["Labels"],
        address=(endpoint.get("IPAMConfig") or {}).get("IPv4Address", ""),
        age=float(told.get("seconds", 0)),
        machines=machines if machines is not None else noted_machines(),
        report=told,
    )


def noted_machines() -> int | None:
    """The number of machines that the container wrote down last; None if it never came to that, which is none to lose."""
    done = subprocess.run(
        ["docker", "cp", f"{CONTAINER}:/var/lib/lab/machines", "-"], capture_output=True, check=False, timeout=60
    )
    if done.returncode != 0:
        return None
    return int(next(iter(files_of_tar(done.stdout).values())))


def files_of_tar(data: bytes) -> dict[str, str]:
    """The texts in a tar, as `docker cp` writes it, by their file names without folder and ending."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        opened = {PurePath(member.name).stem: tar.extractfile(member) for member in tar if member.isfile()}
    return {name: file.read().decode("utf-8", errors="replace") for name, file in opened.items() if file}


def report() -> dict[str, Any]:
    """The supervisor's status.json; empty while there is none."""
    try:
        done = subprocess.run(
            ["docker", "exec", CONTAINER, "cat", "/run/lab/status.json"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}
    return dict(json.loads(done.stdout)) if done.returncode == 0 and done.stdout else {}


def remedies(container: Container | None) -> list[str]:
    """What to do, one after the other until the cloud is ready: names of actions in `apply`. Empty if it is ready.

    A container is made anew only if that loses no machine.
    """
    if container is None:
        return ["create"]
    if container.ready:
        return []
    first = "unpause" if container.paused else "wait" if container.running else "start"
    return [first, "restart", *(["create"] if not container.machines else [])]


def apply(action: str, plan: Plan) -> None:
    """Carry out one remedy."""
    if action == "wait":
        say("cloud: it runs but is not ready yet; waiting for it")
    elif action == "create":
        remove()
        say(f"cloud: starting {CONTAINER} from {plan.image}")
        output_of(run_command(plan, secrets.token_hex(8)), timeout_s=120)
    else:
        say(f"cloud: docker {action} {CONTAINER}")
        output_of(["docker", action, CONTAINER], timeout_s=180)


def remove() -> None:
    """Remove the container and its volume with all that is in them; no harm if they are gone."""
    for command in (["docker", "rm", "--force", "--volumes", CONTAINER], ["docker", "volume", "rm", "--force", VOLUME]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode != 0 and "No such" not in done.stderr:
            raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}; run the same command again")


def wait_ready(patience_s: float) -> dict[str, Any]:
    """Wait until all services are up and have reported; shows what it waits for. Returns the last report.

    Raises LabError once nothing more has come up for `patience_s` seconds, the container ends, or a service fails again and
    again.
    """
    better, fewest, shown, told = time.monotonic(), sys.maxsize, 0.0, report()
    while time.monotonic() - better < patience_s:
        if output_of(["docker", "container", "inspect", "--format", "{{.State.Running}}", CONTAINER]) != "true":
            raise LabError(f"the cloud's container ended by itself; its last lines:\n{last_lines()}")
        told = report()
        if told.get("ready"):
            say(f"cloud: all {len(told['services'])} services are up after {told['seconds']} s")
            return told
        services = told.get("services", {})
        if len(told.get("waiting", [])) < fewest and services:
            better, fewest = time.monotonic(), len(told["waiting"])
        if failing := [name for name, service in services.items() if service["failures"] >= HOPELESS]:
            raise LabError(f"{failing[0]} fails again and again; see: make logs SERVICE={failing[0]}")
        if services and time.monotonic() - shown > SHOW_EVERY_S:
            shown = time.monotonic()
            up = sum(service["up"] for service in services.values())
            say(f"cloud: {up} of {len(services)} services up after {told['seconds']} s; waiting for {waiting(told)}")
        time.sleep(1)
    raise LabError(f"nothing more has come up for {patience_s:.0f} s; the cloud waits for {waiting(told)}; see: make logs")


def waiting(told: dict[str, Any], most: int = 4) -> str:
    """The first few of the things that a report waits for."""
    names = told.get("waiting", ["the supervisor's first report"])
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def last_lines(count: int = 15) -> str:
    """The end of the supervisor's own log, indented."""
    done = subprocess.run(["docker", "logs", "--tail", str(count), CONTAINER], capture_output=True, text=True, check=False)
    return "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines())
