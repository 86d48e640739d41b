"""`make status`: how the door, the volumes and the homes are, asked of the nodes over ssh. Fails if one is not well."""

from __future__ import annotations

import shlex
import subprocess
import sys

from components.commands import door_status
from components.storage_commands import state_status
from tools.storage import NotUpError, has_homes, manager_way, outputs, ssh_way


def main() -> int:
    """Print a line for each; returns 1 where one is not well."""
    try:
        found = outputs(sys.argv[1])
    except NotUpError as error:
        print(f"status: {error}", file=sys.stderr)
        return 1
    door = subprocess.run([*manager_way(found), door_status()], stdout=subprocess.PIPE, text=True, check=False)
    print(f"{'front door':<20} {door.stdout.strip() or '! not known'}", flush=True)
    statuses = [door.returncode, subprocess.run([*manager_way(found), state_status()], check=False).returncode]
    if has_homes(found):
        command = shlex.join(["sudo", "jupyterhub-storage", "status"])
        statuses.append(subprocess.run([*ssh_way(found), command], check=False).returncode)
    else:
        print(f"{'homes':<20} temporary (storage: none)")
    return int(any(statuses))


if __name__ == "__main__":
    sys.exit(main())
