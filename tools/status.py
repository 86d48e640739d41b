"""`make status`: how swarm, door, volumes and homes are, asked of the nodes over ssh. Fails if one is not well."""

from __future__ import annotations

import shlex
import subprocess
import sys

from components.commands import door_status
from components.storage_commands import hub_homes_status, state_status
from components.swarm_commands import status as swarm_status
from tools.storage import NotUpError, has_homes, manager_way, outputs, ssh_way

NOT_REACHED = 255  # ssh's own status


def main() -> int:
    """Print a line for each; returns 1 where one is not well."""
    try:
        found = outputs(sys.argv[1])
    except NotUpError as error:
        print(f"status: {error}", file=sys.stderr)
        return 1
    manager = manager_way(found)
    nodes = [row["name"] for row in found["nodes"] if row["role"] != "storage"]
    well = line("swarm", manager, swarm_status(nodes))
    well &= line("front door", manager, door_status())
    well &= subprocess.run([*manager, state_status()], check=False).returncode == 0
    if not has_homes(found):
        print(f"{'homes':<20} temporary (storage: none)")
        return int(not well)
    well &= line("homes at the hub", manager, hub_homes_status())
    command = shlex.join(["sudo", "jupyterhub-storage", "status", *nodes])
    homes = subprocess.run([*ssh_way(found), command], check=False).returncode
    if homes == NOT_REACHED:
        print(f"{'homes':<20} ! not known: the node that holds them does not answer")
    return int(not well or homes != 0)


def line(what: str, way: list[str], command: str) -> bool:
    """Print what a node says, and return whether it is well."""
    done = subprocess.run([*way, command], stdout=subprocess.PIPE, text=True, check=False)
    print(f"{what:<20} {done.stdout.strip() or '! not known'}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
