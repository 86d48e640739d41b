"""`make status`: how the front door and the homes of a stack are, asked of its nodes over ssh. Fails if one is not well."""

from __future__ import annotations

import shlex
import subprocess
import sys

from components.commands import door_status
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
    if not has_homes(found):
        print(f"{'homes':<20} temporary (storage: none)")
        return int(door.returncode != 0)
    homes = subprocess.run([*ssh_way(found), shlex.join(["sudo", "jupyterhub-storage", "status"])], check=False)
    return int(door.returncode != 0 or homes.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
