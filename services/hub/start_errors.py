"""Why a server did not start: from what Swarm, the nodes and the log say to what a person can do about it. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tornado.web import HTTPError

GIB = 1024**3


class StartError(HTTPError):
    """A start that failed; JupyterHub shows the text on the spawn page. `log` is the end of the server's own log.

    An HTTPError, since of others that come within a second of the request JupyterHub shows only that there was one.
    """

    def __init__(self, text: str, log: Sequence[str] = ()) -> None:
        told = f"{text} The end of its log: {' | '.join(log)}" if log else text
        super().__init__(500, told)
        self.jupyterhub_message = told
        lines = html.escape("\n".join(log))
        self.jupyterhub_html_message = html.escape(text) + (f"<pre>{lines}</pre>" if log else "")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a server asks of a node: bytes, cores, GPUs, and the placement constraints."""

    memory: int
    cpus: float
    gpus: int
    constraints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NodeRoom:
    """A node that may take the server: what it has, and how much of it is not promised to others."""

    name: str
    memory: int
    free_memory: int
    cpus: float
    free_cpus: float


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A task that ended before its server answered. `said` is Swarm's reason, `log` the end of the server's log."""

    state: str
    said: str
    node: str
    node_is_up: bool
    image: str
    memory_limit: int
    log: tuple[str, ...]


# What the engine says, and what it means. First match counts; looked for in Swarm's reason, then in the log.
_MISSING = "No such image|pull access denied|manifest unknown|manifest for .* not found|repository does not exist"
_FOREIGN = "exec format error|no matching manifest|does not match the .* platform|cannot be used on this platform"
_STORAGE = "failed to mount local (?:storage|volume)|error while mounting volume|error mounting|error while creating mount source"
_COMMAND = "executable file not found|OCI runtime create failed|exec: .*no such file|starting container failed"


def explain(failure: Failure) -> StartError:
    """What the user reads of a task that failed."""
    said, node, image = failure.said, failure.node or "a node", failure.image
    evidence = "\n".join([said, *failure.log])
    if not failure.node_is_up or failure.state == "orphaned":
        return StartError(f"{node} went down while your server started there. Please start it again: it goes to another node.")
    if re.search(_MISSING, said, re.IGNORECASE):
        return StartError(
            f"The image {image} is not on {node} and could not be pulled ({said}). An administrator should check the name "
            "of the image in the settings, and run `pulumi up`, which brings images to the nodes."
        )
    if re.search(_FOREIGN, evidence, re.IGNORECASE):
        return StartError(
            f"The image {image} is made for another kind of processor than {node} has. An administrator should choose an "
            f"image for that architecture. ({said})",
            failure.log,
        )
    if re.search(_STORAGE, said, re.IGNORECASE):
        return StartError(
            f"{node} could not mount your files: the storage of the homes does not answer, or refuses it ({said}). Please try "
            "again in a minute; if it stays so, tell an administrator. Your files are where they were."
        )
    if "137" in said or "OOM" in said:
        return StartError(
            f"Your server was ended by {node} while it started (signal 9), most likely because it used more than its "
            f"{gib(failure.memory_limit)} of memory. Choose one with more, if there is one, or ask an administrator.",
            failure.log,
        )
    if re.search(_COMMAND, said, re.IGNORECASE):
        return StartError(
            f"The image {image} cannot start a notebook server ({said}). It must have the program jupyterhub-singleuser "
            "(package jupyterhub), of the hub's version. Please tell an administrator.",
            failure.log,
        )
    return StartError(f"Your server ended on {node} while it started: {said}. Please tell an administrator.", failure.log)


def no_room(need: Need, nodes: Sequence[NodeRoom], said: str, waited_s: float) -> StartError:
    """What the user reads when no node took the server within the wait for room. `nodes` are those that may take it."""
    wanted = f"{gib(need.memory)} of memory and {need.cpus:.3g} CPUs"
    wanted += f" and {need.gpus} GPU{'s' * (need.gpus > 1)}" if need.gpus else ""
    if not nodes:
        rules = ", ".join(need.constraints) or "none"
        return StartError(
            f"No node that may run your server is up and takes servers (it must fit: {rules}; Swarm says: {said}). "
            "Please tell an administrator: `make status` and `docker node ls` show the nodes."
        )
    if all(room.memory < need.memory or room.cpus < need.cpus for room in nodes):
        largest = max(nodes, key=lambda room: room.memory)
        return StartError(
            f"Your server asks for {wanted}, which no node has even when it is empty: the largest, {largest.name}, has "
            f"{gib(largest.memory)} and {largest.cpus:.3g} CPUs. Choose a smaller one, or ask an administrator."
        )
    free = ", ".join(
        f"{room.name} has {gib(room.free_memory)} of {gib(room.memory)} and {room.free_cpus:.3g} of {room.cpus:.3g} CPUs"
        for room in nodes
    )
    return StartError(
        f"No node has {wanted} free for your server, after {waited_s:.0f} s: {free}. Please try again when others have "
        f"stopped their servers, or ask an administrator for another worker. (Swarm says: {said})"
    )


def gib(size: int) -> str:
    """Bytes for people."""
    return f"{size / GIB:.1f} GiB"
