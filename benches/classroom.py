"""`make bench-class`: many people log in within seconds: how long each waits, beside dockerspawner's own spawner and the floor.

A person goes the way of a browser: the log-in form, the page that starts the server, the one that waits for it, the notebook.
The floor is the same number of services, made at the same moments without a hub. All run on one swarm of one node, or that of
the lab, one after the other. Starting notebooks is bound by the processor, so most of what is seen is the notebook's own start.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from benches.places import swarm_here, swarm_of_the_lab
from benches.spawn import USER_PATH
from benches.swarm import BenchSwarm
from lab.process import say

WAYS = ("floor", "ours", "stock")
MIB = 1024**2


@dataclass(frozen=True, kw_only=True)
class Class:
    """One way's results: seconds that each person waited, failures, and the hub's processor seconds and memory (bytes)."""

    seconds: list[float]
    failures: list[str]
    hub_cpu: float
    hub_memory: int


def main() -> int:
    """Measure and print a table. The exit status is 0 if every start succeeded."""
    parser = argparse.ArgumentParser(prog="bench-class", description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--within", type=float, default=10, help="seconds in which all of them log in")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--lab", action="store_true", help="on the workers of the lab, which `make up` has brought up")
    arguments = parser.parse_args()
    with swarm_of_the_lab() if arguments.lab else swarm_here() as swarm:
        ways = [way for way in WAYS if way in ("floor", *arguments.ways)]
        classes = {way: hold(swarm, way, arguments.people, arguments.within) for way in ways}
    print(table(classes))
    return 1 if any(each.failures for each in classes.values()) else 0


def hold(swarm: BenchSwarm, way: str, people: int, within: float) -> Class:
    """One class by one way."""
    say(f"{way}: {people} people log in within {within:.0f} s")
    before = swarm.call("usage", service=way) if way != "floor" else None
    found: dict[str, Any] = swarm.call("classroom", way=way, rounds=people, within=within, path=USER_PATH)
    for failure in found["failures"]:
        print(failure, file=sys.stderr)
    after = swarm.call("usage", service=way) if before else None
    return Class(
        seconds=sorted(found["seconds"]),
        failures=found["failures"],
        hub_cpu=after["cpu_s"] - before["cpu_s"] if before and after else 0.0,
        hub_memory=after["memory"] if after else 0,
    )


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


def table(classes: dict[str, Class]) -> str:
    """p50 and p95, the latter beside the floor's, and what the hub took."""
    floor = quantile(classes["floor"].seconds, 0.95)
    lines = [
        f"{'':8}{'p50':>8}{'p95':>8}{'last':>8}{'ratio':>8}{'failed':>8}{'hub CPU':>9}{'hub MiB':>9}   seconds; ratio of p95"
    ]
    for way, each in classes.items():
        p50, p95 = quantile(each.seconds, 0.5), quantile(each.seconds, 0.95)
        figures = f"{p50:8.1f}{p95:8.1f}{each.seconds[-1]:8.1f}{p95 / floor:8.2f}{len(each.failures):8}"
        hub = f"{each.hub_cpu:9.1f}{each.hub_memory / MIB:9.0f}" if each.hub_memory else ""
        lines.append(f"{way:8}{figures}{hub}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
