"""Whether the deployment is as `make up` leaves it, how to get it there again, and what to keep of it when a test fails."""

from __future__ import annotations

import logging
from pathlib import Path

import requests

from tests.e2e.deployment import Deployment
from tests.e2e.manager import ManagerError
from tests.e2e.running_up import StackError
from tests.e2e.stack import Stack
from tests.e2e.waiting import WaitedTooLongError, wait_for

log = logging.getLogger("e2e")

SERVICES = ("hub", "userproxy", "proxy")
ANSWER_LIMIT = 120  # seconds
REMEDY = "Run `make up`, which repairs what it finds; `make down` and then `make up` begin anew."

QUESTIONS = (
    "docker node ls",
    "docker service ls",
    "docker service ls --quiet | xargs docker service ps --no-trunc",
    "docker service logs --tail 150 hub 2>&1",
    "docker service logs --tail 40 proxy 2>&1",
    "free -m; uptime",
)


class UnhealthyError(AssertionError):
    """The deployment is not as `make up` leaves it. The text lists what is wrong, and the remedy."""


def check(deployment: Deployment) -> None:
    """Raise UnhealthyError unless the page answers and settings, stack, swarm and cloud agree on the nodes and services."""
    problems = [*_page(deployment), *_swarm(deployment), *_cloud(deployment)]
    if problems:
        raise UnhealthyError("\n".join(["the deployment is not healthy:", *(f"  - {text}" for text in problems), REMEDY]))


def restore(artefacts: Path) -> Deployment:
    """Bring the deployment back to what Pulumi.dev.yaml says, whatever a test left, and remove the tests' users.

    Returns it anew, since a test may have destroyed it and brought it up at another address.
    """
    stack = Stack(artefacts)
    stack.repair()
    _give_up_grown_homes(stack, artefacts)
    log.info("restoring: pulumi up")
    log.info("restored: %s", stack.up())
    deployment = Deployment(artefacts)
    deployment.remove_users()
    return deployment


def _give_up_grown_homes(stack: Stack, artefacts: Path) -> None:
    """Destroy all, with the homes, where a test was cut off after it had made their volume larger: it cannot shrink."""
    try:
        deployment = Deployment(artefacts)
    except StackError:
        return  # there is none
    volumes = deployment.stack.outputs().get("volumes") or {}
    size = deployment.cloud.volumes().get(volumes.get("homes", ""), 0)
    if size > int(stack.get("homesSize")):
        log.warning("restoring: the volume of the homes has grown to %d GiB: pulumi destroy", size)
        stack.set("homesSize", str(size))
        stack.set("keepData", "false")
        stack.up()
        stack.destroy()
        stack.restore_settings()


def snapshot(deployment: Deployment) -> str:
    """The state of the swarm as text, for the log of a failed test. What cannot be asked says why."""
    parts = []
    for question in QUESTIONS:
        try:
            answer = deployment.manager.run("sh", "-c", question)
        except ManagerError as trouble:
            answer = str(trouble)
        parts.append(f"$ {question}\n{answer}")
    return "\n".join([*parts, "servers in the cloud:", *(_cloud(deployment) or ["as in the stack"])])


def _page(deployment: Deployment) -> list[str]:
    try:
        wait_for(f"{deployment.url}hub/login to answer with 200", deployment.page_answers, limit_s=ANSWER_LIMIT)
    except WaitedTooLongError as trouble:
        return [str(trouble)]
    return []


def _swarm(deployment: Deployment) -> list[str]:
    try:
        nodes = {node.name: node for node in deployment.manager.nodes()}
        services = deployment.manager.services()
    except ManagerError as trouble:
        return [str(trouble)]
    found, names = [], deployment.node_names()
    has, wanted = deployment.workers(), int(deployment.stack.get("workers"))
    if has != wanted:
        found.append(f"the stack has {has} workers, its settings say {wanted}")
    for name in sorted({*names, *nodes}):
        if name not in nodes or name not in names:
            found.append(f"node {name} is only in the {'swarm' if name in nodes else 'stack'}")
        elif (nodes[name].status, nodes[name].availability) != ("Ready", "Active"):
            found.append(f"node {name} is {nodes[name].status} and {nodes[name].availability}, not Ready and Active")
    return found + [
        f"service {name} has {services.get(name, 'no')} tasks, not 1/1" for name in SERVICES if services.get(name) != "1/1"
    ]


def _cloud(deployment: Deployment) -> list[str]:
    try:
        servers, wanted = deployment.cloud.servers(), deployment.server_names()
    except requests.RequestException as trouble:
        return [f"the cloud does not answer: {trouble}"]
    except StackError as trouble:
        return [str(trouble)]
    found = [f"server {name} is in the cloud but not in the stack" for name in sorted(set(servers) - set(wanted))]
    return found + [
        f"server {name} is {servers.get(name, 'missing')} in the cloud, not ACTIVE"
        for name in wanted
        if servers.get(name) != "ACTIVE"
    ]
