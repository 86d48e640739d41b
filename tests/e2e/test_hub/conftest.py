"""Fixtures of the suite `hub`: one state of the stack with all kinds of servers, the swarm's own registry among their sources."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from websocket import WebSocketException

from components.image_source import ImageSource
from tests.e2e.conftest import Witness
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import KERNEL_LIMIT, HubUser
from tests.e2e.stack import BUILD, ROOT
from tests.e2e.waiting import wait_for

FOLDERS = BUILD / "e2e" / "images"
PRIVATE_IMAGE = "127.0.0.1:5000/team/lab:1"
# As widely used notebook images have one, only that this one never succeeds: it would end the server after some ten seconds.
CHECK = "HEALTHCHECK --interval=3s --timeout=1s --start-period=3s --retries=3 CMD false"
IDLE_S = 600  # the shortest time that a stack may have

SMALL = {"name": "Small", "description": "For reading", "cpuLimit": "0.5", "memoryLimit": "400M", "memoryGuarantee": "200M"}
HUGE = {"name": "Huge", "memoryLimit": "512G", "memoryGuarantee": "512G"}
HALF = {"name": "Half", "memoryLimit": "1200M", "memoryGuarantee": "1200M"}
MARKED = {"name": "Marked", "nodeLabel": "e2e=here"}
PRIVATE = {"name": "Private", "image": PRIVATE_IMAGE, "memoryLimit": "400M", "memoryGuarantee": "200M"}


def failing_images(notebook: str) -> list[dict[str, str]]:
    """Profiles with images of their own: one whose program fails, one for no processor there is, one that will be missing."""
    shutil.rmtree(FOLDERS, ignore_errors=True)
    programs = {
        "failing": (b"#!/bin/sh\necho 'ModuleNotFoundError: nothing here' >&2\nexit 3\n", notebook),
        "foreign": (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xfe\x01\x00\x00\x00" + bytes(40), "scratch"),
        "missing": (b"#!/bin/sh\n", notebook),
    }
    for name, (program, base) in programs.items():
        folder = FOLDERS / name
        folder.mkdir(parents=True)
        (folder / "jupyterhub-singleuser").write_bytes(program)
        (folder / "jupyterhub-singleuser").chmod(0o755)
        place = "/opt/notebook/bin/" if base == notebook else "/bin/"
        (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY jupyterhub-singleuser {place}\nENTRYPOINT []\n")
    return [{"name": name.title(), "image": f"./{(FOLDERS / name).relative_to(ROOT)}"} for name in programs]


@pytest.fixture(scope="package")
def kinds(deployment: Deployment) -> Iterator[list[dict[str, str]]]:
    """The deployment with these kinds of servers, on one worker; one of the images comes from the swarm's own registry."""
    stack = deployment.stack
    notebook = ImageSource.parse(stack.get("notebookImage"), ROOT).reference
    profiles = [SMALL, HUGE, HALF, MARKED, *failing_images(notebook)]
    deployment.ensure_workers(1)
    with deployment.own_settings():
        for number, profile in enumerate(profiles):
            for key, value in profile.items():
                stack.set_entry(f"profiles[{number}].{key}", value)
        stack.set_entry('workerLabels["worker-0"]', "e2e=here")
        stack.set("roomTimeout", "20")
        stack.set("registry", "internal")
        stack.set("idleTimeout", "10m")
        stack.up()
        found = re.search(r"password (\w+)", stack.outputs()["registry"])
        assert found is not None
        push(deployment, notebook, found[1])
        for key, value in PRIVATE.items():
            stack.set_entry(f"profiles[{len(profiles)}].{key}", value)
        stack.up()
        deployment.wait_for_hub()
        yield [*profiles, PRIVATE]


def push(deployment: Deployment, notebook: str, password: str) -> None:
    """The notebook image, with a health check, as one that only the swarm's registry has."""
    manager = deployment.manager
    manager.run("docker", "login", "--username", "jupyterhub", "--password-stdin", "127.0.0.1:5000", stdin=password)
    build = f"printf '%s\\n' 'FROM {notebook}' '{CHECK}' | DOCKER_BUILDKIT=0 docker build --quiet --tag {PRIVATE_IMAGE} -"
    push_it = f"docker push --quiet {PRIVATE_IMAGE} && docker rmi {PRIVATE_IMAGE}"
    manager.run("sh", "-c", f"{build} && {push_it}", limit_s=900)
    manager.run("docker", "logout", "127.0.0.1:5000")


@dataclass(frozen=True, kw_only=True)
class Unattended:
    """Two people who have closed their browsers: one's server does nothing, the other's kernel computes and says nothing."""

    idle: HubUser
    busy: HubUser


@pytest.fixture(scope="package")
def unattended(deployment: Deployment, kinds: list[dict[str, str]], witness: Witness) -> Iterator[Unattended]:
    """Left alone while other tests run: it takes more than ten minutes until anything happens to them."""
    witness.user.start()
    idle, busy = (deployment.sign_in(f"{PREFIX}{name}") for name in ("idle", "busy"))
    for user in (idle, busy):
        user.start(options={"profile": "Small"})
    kernel = busy.open_kernel()
    kernel.begin("import time; time.sleep(2 * 3600)")
    kernel.close()
    # Without its routes the user proxy has an answer of its own for every server.
    deployment.manager.run("docker", "kill", deployment.manager.container_of("userproxy"))
    deployment.wait_for_hub()
    witness.kernel.close()
    wait_for("the witness's kernel to be reached again", lambda: reached(witness), limit_s=KERNEL_LIMIT)
    yield Unattended(idle=idle, busy=busy)
    for user in (idle, busy):
        user.stop()


def reached(witness: Witness) -> bool:
    """Whether the kernel answers on another websocket."""
    try:
        witness.kernel.connect(KERNEL_LIMIT)
    except WebSocketException:
        return False
    return True
