"""`make bench-spawn`: seconds from the request to a notebook that answers, beside dockerspawner's own and the floor.

The floor is `docker service create` of the same service and a loop that asks until the notebook answers. Servers are started
and stopped one by one, in turns, on an idle swarm of one node.
"""

from __future__ import annotations

import argparse
import statistics

from benches.swarm import bench_swarm

USER_PATH = "/user/model/api"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench-spawn", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with bench_swarm() as swarm:
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
