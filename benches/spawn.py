"""`make bench-spawn`: seconds from the request to a notebook that answers, beside dockerspawner's own and the floor.

The floor is `docker service create` of the same service and a loop that asks until the notebook answers. Servers are started
and stopped one by one, in turns, on an idle swarm of one node, or that of the lab.
"""

from __future__ import annotations

import argparse
import statistics

from benches.places import swarm_here, swarm_of_the_lab

USER_PATH = "/user/model/api"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench-spawn", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--lab", action="store_true", help="on the workers of the lab, which `make up` has brought up")
    arguments = parser.parse_args()
    with swarm_of_the_lab() if arguments.lab else swarm_here() as swarm:
        seconds = swarm.call("one_by_one", rounds=arguments.rounds, path=USER_PATH)
    print(table(seconds))


def table(seconds: dict[str, list[float]]) -> str:
    """Medians, and their ratio to the floor's."""
    floor = statistics.median(seconds["floor"])
    lines = [f"{'':8}{'median':>8}{'best':>8}{'worst':>8}{'ratio':>8}   of {len(seconds['floor'])} starts each, seconds"]
    for name, values in seconds.items():
        median = statistics.median(values)
        lines.append(f"{name:8}{median:8.2f}{min(values):8.2f}{max(values):8.2f}{median / floor:8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
