"""What nodes run to be a swarm: the scripts of `swarm/`, with their arguments. Each is idempotent, and takes a secret only on
standard input (see commands.py)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

from components.image_source import PROJECT_ROOT

# Seconds between a node's signs of life. The swarm calls a node down, and ends its servers, after three times that in silence
# (swarmkit, manager/dispatcher: defaultGracePeriodMultiplier), less half a second each of jitter. The silence counts from the
# last sign, up to one period before a pause: so a pause of 39 s is always survived. Docker's own 5 s allow for 9 s.
HEARTBEAT_S = 20
# Of a node's certificate: ten years. The swarm's CA lasts 20 (swarmkit, ca: RootCAExpiration).
LIFETIME_H = 87600
_HALF_LIFETIME_DAYS = LIFETIME_H // 48
_TOLD_BEFORE_DAYS = 365  # `make status` tells of certificates that end within this time


def begin(address: str, pool: str) -> str:
    """Make this node a manager, unless it is one; print the swarm's id. A swarm that is there keeps all that it holds, also when
    its certificate has ended."""
    return _script("begin", address, pool, f"{HEARTBEAT_S}s", f"{LIFETIME_H}h")


def certificates(seconds: int = 180) -> str:
    """On the manager, when no node is about to join: give all nodes certificates for `LIFETIME_H`, unless they have them."""
    return _script("certificates", f"{LIFETIME_H}h", str(_HALF_LIFETIME_DAYS), str(seconds))


def worker_token() -> str:
    """Print the join token of workers (a secret), which is another after each change of certificates."""
    return "docker swarm join-token --quiet worker"


def join_request(manager_address: str, address: str, token: str) -> str:
    """The body of the Docker API's /swarm/join, for `join`'s standard input. The node joins drained."""
    return json.dumps(
        {
            "ListenAddr": "0.0.0.0:2377",
            "AdvertiseAddr": address,
            "RemoteAddrs": [f"{manager_address}:2377"],
            "JoinToken": token,
            "Availability": "drain",
        }
    )


def join(swarm_id: str, seconds: int = 180) -> str:
    """Join the swarm by the request on standard input, unless this node is in that very one. Print the node's id in it."""
    return _script("join", swarm_id, str(seconds))


def admit(node_id: str, name: str, owner: str, seconds: int = 300) -> str:
    """On the manager: wait until the worker is ready, and let it take tasks, unless it was admitted before. Print its id.

    `owner` is who admits it; nodes of the same name that are gone are struck off.
    """
    return _script("admit", node_id, name, owner, "new", str(seconds))


def keep_admitted(node_id: str, name: str, owner: str, seconds: int = 300) -> str:
    """`admit` for a worker that was given to notebooks before, perhaps under another id: it stays drained if it was."""
    return _script("admit", node_id, name, owner, "known", str(seconds))


def remove(node_id: str, name: str, owner: str, seconds: int = 300) -> str:
    """On the manager: drain the worker, wait until nothing runs there, and strike it off, unless another has admitted it."""
    return _script("remove", node_id, name, owner, str(seconds))


def add_labels(node_id: str, labels: Sequence[str]) -> str:
    """On the manager: give the node labels `key=value`, which placement constraints ask for."""
    words = " ".join(f"--label-add {shlex.quote(label)}" for label in labels)
    return f"docker node update {words} {shlex.quote(node_id)}"


def remove_labels(node_id: str, labels: Sequence[str]) -> str:
    """On the manager: take labels away, unless the node is gone or has none of them."""
    node, keys = shlex.quote(node_id), [shlex.quote(label.partition("=")[0]) for label in labels]
    # One by one: Docker refuses to remove one that is not there, and with it all others of the same call.
    return (
        f"docker node inspect {node} >/dev/null 2>&1 || exit 0; "
        f'for key in {" ".join(keys)}; do docker node update --label-rm "$key" {node} >/dev/null 2>&1 || true; done'
    )


def status(names: Sequence[str]) -> str:
    """On the manager: print how the swarm is, which should have these nodes; fail where it is not well."""
    return _script("status", str(_TOLD_BEFORE_DAYS), *names)


def _script(name: str, *arguments: str) -> str:
    """The script in one piece with what it shares, without comments: a failing command is echoed whole."""
    shared, own = ((PROJECT_ROOT / "swarm" / f"{part}.sh").read_text() for part in ("common", name))
    text = own.replace(". swarm/common.sh\n", shared)
    return shlex.join(["bash", "-c", re.sub(r"(?m)^\s*(#.*)?\n", "", text), name, *arguments])
