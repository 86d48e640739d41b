"""`make users`, `make restore HOME=ada`, `make snapshots` ...: the storage node's own tools, run there over ssh."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shlex
import subprocess
import sys
from typing import Any

# Without questions; the addresses are those that the cloud gave to this stack.
SSH_OPTIONS = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
# It ends when the new hub answers; the servers of people go on.
RESTART = "sudo docker service update --force --quiet hub"
# The volumes of all services, a line each. Of a server, one is its home (services/hub/home_volumes.py), whatever its labels are.
MOUNTS = (
    'services=$(sudo docker service ls --quiet) || exit 1; [ -z "$services" ] || sudo docker service inspect '
    "--format '{{range .Spec.TaskTemplate.ContainerSpec.Mounts}}{{println .Source}}{{end}}' $services"
)
HOME = re.compile(r"jupyterhub-home-(.+)-[0-9a-f]{8}")


class NotUpError(Exception):
    """The stack has no node to ask; the text says what to do."""


def main() -> int:
    """Run the tool with its arguments on the node that holds the homes; returns its exit status."""
    parser = argparse.ArgumentParser(prog="storage", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("tool", choices=["users", "snapshots", "backup", "restore", "restore_hub"])
    asked, arguments = parser.parse_known_args()
    # `make restore HOME=ada` leaves the user's name in the environment, where pulumi looks for its own folder.
    os.environ["HOME"] = pwd.getpwuid(os.getuid()).pw_dir
    try:
        found = outputs(asked.stack)
        if not has_homes(found):
            raise NotUpError(f"the stack {asked.stack} has no lasting homes (storage: none)")
    except NotUpError as error:
        print(f"{asked.tool}: {error}", file=sys.stderr)
        return 1
    if asked.tool == "restore" and "--in-place" in arguments:
        arguments = [*running(found), *arguments]
    command = shlex.join(["sudo", "jupyterhub-storage", asked.tool, *arguments])
    status = subprocess.run([*ssh_way(found), command], check=False).returncode
    if asked.tool == "restore_hub" and status == 0:
        status = subprocess.run([*manager_way(found), RESTART], check=False).returncode
    return status


def running(found: dict[str, Any]) -> list[str]:
    """The option that tells whose servers run, by their homes; none where the swarm does not say so: then the tool refuses."""
    done = subprocess.run([*manager_way(found), MOUNTS], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    homes = {match[1] for match in map(HOME.fullmatch, done.stdout.splitlines()) if match}
    return [f"--servers={json.dumps(sorted(homes))}"] if done.returncode == 0 else []


def outputs(stack: str) -> dict[str, Any]:
    """The outputs of the stack. Raises NotUpError."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotUpError("pulumi is not on PATH; for the lab, run `make up` first") from None
    if done.returncode != 0:
        raise NotUpError(f"the stack {stack} cannot be read: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    if "ssh" not in found:
        raise NotUpError(f"the stack {stack} is not up")
    return found


def has_homes(found: dict[str, Any]) -> bool:
    """Whether the stack has a node that holds homes."""
    return "homes" in found.get("volumes", {})


def manager_way(found: dict[str, Any]) -> list[str]:
    """The command that the line for the manager is appended to."""
    program, *rest = shlex.split(found["ssh"])
    return [program, *_options(), *rest]


def ssh_way(found: dict[str, Any]) -> list[str]:
    """The command that the line for the node is appended to: to the storage server through the manager, or to the manager."""
    servers = [row["address"] for row in found["nodes"] if row["role"] == "storage"]
    if not servers:
        return manager_way(found)
    program, *identity, target = shlex.split(found["ssh"])
    user = target.partition("@")[0]
    through = shlex.join([program, *_options(), *identity, "-W", "%h:%p", target])
    return [program, *_options(), "-o", f"ProxyCommand={through}", *identity, f"{user}@{servers[0]}"]


def _options() -> list[str]:
    return [part for option in SSH_OPTIONS for part in ("-o", option)]


if __name__ == "__main__":
    sys.exit(main())
