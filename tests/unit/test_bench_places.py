"""benches/places.py: what a bench leaves on the lab's swarm, and what it must not touch there."""

from __future__ import annotations

import json

from benches.places import LabEngine
from tests.e2e.manager import Manager

BENCH, OTHER = "network-of-the-bench", "network-of-the-stack"
SERVICES = {"ours": [BENCH], "floor-1": [BENCH], "hub": [OTHER], "registry": None}


class Swarm(Manager):
    """A manager with the stack's services and a bench's; remembers what was removed."""

    def __init__(self, has_bench: bool) -> None:
        self.removed: list[tuple[str, ...]] = []
        self._has_bench = has_bench

    def run(self, *command: str, stdin: str = "", limit_s: float = 180) -> str:
        """Play Docker's command line."""
        match command[1:]:
            case ("service", "ls", *_):
                return "\n".join(SERVICES)
            case ("service", "inspect", *names):
                return json.dumps([service(name) for name in names])
            case ("network", "ls", *_):
                return BENCH if self._has_bench and ("network", "rm", "bench") not in self.removed else ""
            case ("ps", *_):
                return "client" if self._has_bench else ""
            case (kind, "ls", *_):
                return f"{kind}-of-the-bench\n" if self._has_bench else ""
            case removal:
                self.removed.append(tuple(removal))
                return ""


def service(name: str) -> dict[str, object]:
    """As Docker's `service inspect` tells it."""
    networks = SERVICES[name]
    found = {"Networks": [{"Target": network} for network in networks]} if networks is not None else {}
    return {"ID": name, "Spec": {"Name": name, "TaskTemplate": found}}


def test_all_of_a_bench_goes_and_nothing_of_the_stack() -> None:
    swarm = Swarm(has_bench=True)
    LabEngine(swarm).clear()
    assert swarm.removed[:4] == [
        ("rm", "--force", "client"),
        ("service", "rm", "ours"),
        ("service", "rm", "floor-1"),
        ("network", "rm", "bench"),
    ]
    assert swarm.removed[4:] == [(kind, "rm", f"{kind}-of-the-bench") for kind in ("secret", "config", "volume")]


def test_where_no_bench_was_nothing_is_removed() -> None:
    swarm = Swarm(has_bench=False)
    LabEngine(swarm).clear()
    assert swarm.removed == []
