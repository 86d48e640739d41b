"""Why a server did not start: from what Swarm, the nodes and the log say to what a person can do about it. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from tornado.web import HTTPError

from services.hub.causes import CAUSES, UNKNOWN

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


def explain(failure: Failure) -> StartError:
    """What the user reads of a task that failed."""
    node = failure.node or "a node"
    if not failure.node_is_up or failure.state == "orphaned":
        return StartError(f"{node} went down while your server started there. Please start it again: it goes to another node.")
    if failure.state in ("shutdown", "remove") and "non-zero exit" not in failure.said:
        return StartError(
            f"Your server was told to end on {node} while it started: {node} is taken out of use, or somebody removed the "
            "server. Please start it again."
        )
    cause = next((cause for cause in CAUSES if cause.fits(failure.said, failure.log)), UNKNOWN)
    limit = f"more than its {gib(failure.memory_limit)} of memory" if failure.memory_limit else "more memory than there was"
    text = cause.text.format(node=node, image=failure.image, said=failure.said, memory=limit)
    return StartError(text, failure.log if cause.tells_log else ())


def silent(node: str, image: str, waited_s: float, log: Sequence[str]) -> StartError:
    """What the user reads when the server runs and gives no answer."""
    return StartError(
        f"Your server runs on {node}, but does not answer after {waited_s:.0f} s. An administrator should look at the image "
        f'{image}: it must run the command that it is given (an ENTRYPOINT ends with `exec "$@"`), and what it configures of '
        "Jupyter must leave port, address and certificate alone.",
        log,
    )


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
