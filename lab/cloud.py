"""The lab's OpenStack: one container, its network, the way to its floating IPs, and what a stack finds in it.

Each function may be interrupted and run again; it goes on from what it finds.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.image_source import ImageSource
from lab import apt, images
from lab import cloud_container as container
from lab import cloud_host as host
from lab import cloud_network as network
from lab import cloud_probe as probe
from lab.cloud_facts import FACTS, engine_answers, load_facts, save_facts
from lab.cloud_seed import seed
from lab.cloud_view import logs, status
from lab.process import BUILD, LOGS, LabError, output_of, run_logged, say

CLOUDS = BUILD / "clouds.yaml"
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")
ENGINE = Path(__file__).with_name("engine.sh")

__all__ = ["cloud_id", "ensure_image", "logs", "preflight", "seed", "start", "status", "stop"]


def preflight() -> None:
    """Raise LabError with everything that is in the lab's way on this machine, each with its remedy."""
    found = host.problems(host.this_machine(), runs=engine_answers() and container.find() is not None)
    if found:
        raise LabError("this machine cannot run the lab:\n" + "\n".join(f"  - {problem}" for problem in found))


def ensure_image() -> str:
    """Have the cloud's image for the files under lab/cloud as they are; returns its reference. Minutes at first."""
    source = ImageSource.parse("./lab/cloud")
    with progress(f"building {source.reference}", LOGS / "build-cloud.log"):
        images.build(source, apt.extra_ca())
    return source.reference


@contextmanager
def progress(what: str, log: Path, every_s: float = 20) -> Iterator[None]:
    """While a long step runs, show now and then how long it has taken and the last thing that it has logged."""
    done, began = threading.Event(), time.monotonic()

    def show() -> None:
        while not done.wait(every_s):
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            lines = [line.strip() for line in TERMINAL_CODES.sub("", text).splitlines() if line.strip()]
            steps = [line.split(" : ")[0] for line in lines if line.startswith("Step ")]
            say(f"{what}, {time.monotonic() - began:.0f} s: {' '.join(steps[-1:] + lines[-1:])[:110]}")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def start() -> dict[str, Any]:
    """Have the cloud up and ready, whatever state it is in; returns the facts, which are in `.build/lab/lab.json` too."""
    image = ensure_image()
    facts = load_facts()
    facts["container"] = container.CONTAINER  # from here on there may be something for `stop` to remove
    save_facts(facts)
    host.prepare(facts, save_facts)
    found = container.find()
    if found and outdated(found, image):
        container.remove()
        found = None
    plan = describe(facts, found, image)
    save_facts(facts)
    heal(found, plan)
    CLOUDS.touch(mode=0o600)
    CLOUDS.write_text(output_of(["docker", "exec", container.CONTAINER, "cat", "/etc/openstack/clouds.yaml"]) + "\n")
    return facts


def outdated(found: container.Container, image: str) -> bool:
    """Whether a container is to be made anew from a newer image or with another LAB_KVM.

    One with machines is kept, and that is said.
    """
    reasons = []
    if found.image != image:
        reasons.append(f"is made from {found.image}, which is not the image of today's files")
    wish = {"0": "no", "1": "yes"}.get(os.environ.get("LAB_KVM", ""))
    if wish and found.labels.get(f"{container.LABEL}.kvm") != wish:
        reasons.append(f"was started with KVM: {found.labels.get(f'{container.LABEL}.kvm')}, which is not what LAB_KVM asks for")
    if not reasons:
        return False
    if found.machines:
        say(f"cloud: the container {' and '.join(reasons)}; it holds {found.machines} machines and stays. To renew it: make down")
        return False
    say(f"cloud: the container {' and '.join(reasons)}; it holds no machine and is made anew")
    return True


def describe(facts: dict[str, Any], found: container.Container | None, image: str) -> container.Plan:
    """How the container is, or is to be, run; written into `facts`. What exists decides, then what was chosen before."""
    facts["mtu"], dns = network.mtu(), ",".join(network.name_servers())
    subnet = network.ensure_network(facts["mtu"])
    if found:
        facts["floating"] = found.labels[f"{container.LABEL}.floating"]
        facts["kvm"] = found.labels[f"{container.LABEL}.kvm"] == "yes"
        privilege = tuple(facts.get("privilege") or probe.choose_privilege(image))
    else:
        facts["floating"] = str(network.choose_floating(subnet))
        privilege = probe.choose_privilege(image)
        facts["kvm"], facts["kvm_reason"] = probe.choose_kvm(image, privilege)
        say(f"cloud: {'KVM' if facts['kvm'] else 'software emulation'} for its guests, since {facts['kvm_reason']}")
    facts.update(
        address=str(subnet[2]), subnet=str(subnet), bridge=network.BRIDGE, network=network.NETWORK, dns=dns.split(","),
        auth_url=f"http://{subnet[2]}:5000/v3", clouds=str(CLOUDS), privilege=list(privilege),
        image=found.image if found else image,
    )  # fmt: skip
    return container.Plan(
        image=image, address=facts["address"], floating=facts["floating"], mtu=facts["mtu"], dns=dns, kvm=facts["kvm"],
        privilege=privilege,
    )  # fmt: skip


def heal(found: container.Container | None, plan: container.Plan) -> None:
    """Go through the remedies until the cloud is ready; raises the last remedy's error."""
    remedies = container.remedies(found)
    network.ensure_route(plan.floating, plan.address)
    for number, action in enumerate(remedies):
        try:
            container.apply(action, plan)
            network.ensure_route(plan.floating, plan.address)
            young = found is None or found.age < container.YOUNG_S
            container.wait_ready(container.PATIENCE_S if action == "wait" and not young else container.READY_S)
        except LabError as trouble:
            if number == len(remedies) - 1:
                raise LabError(f"{trouble}\n  (tried: {', '.join(remedies)}); a fresh one: make down && make lab") from trouble
            say(f"cloud: {trouble}")
        else:
            return


def cloud_id() -> str:
    """A text that is another one for each newly made cloud; raises LabError if there is none."""
    found = container.find()
    if found is None:
        raise LabError("there is no cloud; start one: make lab")
    return found.labels[f"{container.LABEL}.id"]


def stop() -> None:
    """Remove the container, its volume, the network with the route, and set the kernel's settings back."""
    facts = load_facts()
    if not engine_answers():
        if "container" not in facts:
            host.undo(facts)
            return
        run_logged("the Docker engine, which has to run to remove the cloud", [str(ENGINE), "start"], "engine")
    container.remove()
    network.remove_network()
    CLOUDS.unlink(missing_ok=True)
    host.undo(facts)
    facts.pop("container", None)
    if FACTS.exists():
        save_facts(facts)
    say("cloud: container, volume, network and route are gone")
