"""Where a bench runs: on a Docker engine of its own on this machine, or on the swarm of the lab, beside the stack `dev`."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

from benches.swarm import LABEL, MTU, NETWORK, BenchSwarm
from components.image_source import ImageSource
from lab import apt, images
from lab.lab import lock
from lab.process import say
from lab.scratch import scratch_folder
from tests.e2e.deployment import Deployment
from tests.e2e.manager import Manager
from tests.e2e.waiting import wait_for
from tests.integration.docker_engine import DockerEngine
from tools.graph import ROOT

BUILD = ROOT / ".build" / "bench"
# Names of the bench's own: the lab removes older images under the names that it uses.
REPOSITORY = "jupyterhub-swarm-bench"
IMAGES = ("./images/notebook", "./images/hub", "./images/userproxy")
CALL_LIMIT = 2 * 3600  # seconds, for all rounds of a bench on emulated machines
LOCAL_POLL, LAB_POLL = 0.02, 0.25  # seconds; asking costs an emulated machine 15 times as much


def image(folder: str) -> str:
    """The image of a folder of the project, built on this machine's engine unless it is there; its reference."""
    source = ImageSource.parse(folder, ROOT)
    own = ImageSource(reference=source.reference.replace("jupyterhub-swarm", REPOSITORY, 1), context=source.context)
    images.build(own, apt.extra_ca())
    return own.reference


def load(engine: DockerEngine, reference: str) -> None:
    """Bring an image from this machine's engine."""
    say(f"loading {reference}")
    save = subprocess.Popen(["docker", "save", reference], stdout=subprocess.PIPE)
    engine.load(save)
    if save.wait() != 0:
        raise RuntimeError(f"docker save {reference} failed")


@contextlib.contextmanager
def swarm_here(*more_images: str) -> Iterator[BenchSwarm]:
    """A swarm of one node on an engine that is gone afterwards; it has more images too if wanted."""
    references = [image(folder) for folder in IMAGES]
    with scratch_folder(BUILD / "engine") as folder:
        engine = DockerEngine(folder)
        try:
            say("starting a Docker engine of the bench alone")
            engine.start()
            for reference in (*references, *more_images):
                load(engine, reference)
            swarm = BenchSwarm(engine, socket=str(engine.socket), role="manager", poll_s=LOCAL_POLL)
            say(f"first start: {swarm.deploy(*references):.2f} s")
            yield swarm
        finally:
            engine.stop()


class LabEngine:
    """Docker on the lab's manager."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def docker(self, *arguments: str, stdin: bytes = b"") -> str:
        """What Docker's command line prints. Raises ManagerError with what it says when it fails."""
        return self._manager.run("docker", *arguments, stdin=stdin.decode(), limit_s=CALL_LIMIT).strip()

    def clear(self) -> None:
        """Remove what a bench has made, also half of it."""
        if self.docker("ps", "--all", "--quiet", "--filter", "name=^/client$"):
            self.docker("rm", "--force", "client")
        if networks := self.docker("network", "ls", "--quiet", "--no-trunc", "--filter", f"name=^{NETWORK}$").split():
            for service in self._services(networks[0]):
                self.docker("service", "rm", service)
            wait_for("the network to be free", self._network_is_gone, limit_s=300)
        for kind, narrow in (("secret", f"label={LABEL}"), ("config", f"label={LABEL}"), ("volume", f"name={LABEL}-")):
            if found := self.docker(kind, "ls", "--quiet", "--filter", narrow).split():
                self.docker(kind, "rm", *found)

    def _services(self, network: str) -> list[str]:
        every = self.docker("service", "ls", "--quiet").split()
        found = json.loads(self.docker("service", "inspect", *every)) if every else []
        networks = {each["ID"]: each["Spec"]["TaskTemplate"].get("Networks") or () for each in found}
        return [service for service, has in networks.items() if any(each["Target"] == network for each in has)]

    def _network_is_gone(self) -> bool:
        with contextlib.suppress(AssertionError):
            self.docker("network", "rm", NETWORK)
        return not self.docker("network", "ls", "--quiet", "--filter", f"name=^{NETWORK}$")


@contextlib.contextmanager
def swarm_of_the_lab() -> Iterator[BenchSwarm]:
    """The lab's swarm, with notebooks on its workers. The stack stays as it is, and nothing of the bench stays."""
    artefacts = BUILD / "lab"
    artefacts.mkdir(parents=True, exist_ok=True)
    with lock(True):
        engine = LabEngine(Deployment(artefacts).manager)
        engine.clear()
        try:
            references = [ImageSource.parse(folder, ROOT).reference for folder in IMAGES]
            mtu = engine.docker("network", "inspect", "--format", f'{{{{index .Options "{MTU}"}}}}', "jupyterhub")
            swarm = BenchSwarm(engine, socket="/var/run/docker.sock", role="worker", poll_s=LAB_POLL, mtu=int(mtu))
            say(f"first start: {swarm.deploy(*references):.2f} s")
            yield swarm
        finally:
            engine.clear()
