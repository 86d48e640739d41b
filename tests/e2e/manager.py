"""The manager by ssh, and what its swarm knows."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.e2e.stack import ROOT

# Without a terminal or questions; the lab's machines come and go under the same addresses, so their host keys change.
SSH_OPTIONS = [
    *("-o", "BatchMode=yes"),
    *("-o", "StrictHostKeyChecking=no"),
    *("-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "LogLevel=ERROR"),
    *("-o", "ConnectTimeout=60"),
    *("-o", "ServerAliveInterval=30"),
]
ATTEMPTS = 3
NOT_REACHED = 255


class ManagerError(AssertionError):
    """A command on the manager failed. The text has the command, its status and what it wrote."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of the swarm: `status` is Ready or Down, `availability` Active, Pause or Drain."""

    name: str
    status: str
    availability: str
    is_manager: bool


class Manager:
    """Runs commands on the manager. `ssh` is the stack's output of that name: the line that opens a shell."""

    def __init__(self, ssh: str) -> None:
        program, *rest = shlex.split(ssh)
        self._command = [program, *SSH_OPTIONS, *rest]

    def run(self, *command: str, stdin: str = "", limit_s: float = 180) -> str:
        """Run a command and return its standard output. A connection that fails is tried again.

        Raises ManagerError.
        """
        line = shlex.join(command)
        for _ in range(ATTEMPTS):
            try:
                done = subprocess.run(
                    [*self._command, line],
                    cwd=ROOT,
                    input=stdin,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=limit_s,
                )
            except subprocess.TimeoutExpired:
                raise ManagerError(f"`{line}` on the manager was not done after {limit_s:.0f} s") from None
            if done.returncode != NOT_REACHED:
                break
        if done.returncode != 0:
            raise ManagerError(f"`{line}` on the manager ended with status {done.returncode}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def nodes(self) -> list[Node]:
        """`docker node ls`."""
        return [
            Node(
                name=row["Hostname"],
                status=row["Status"],
                availability=row["Availability"],
                is_manager=bool(row["ManagerStatus"]),
            )
            for row in self._rows("docker", "node", "ls", "--format", "{{json .}}")
        ]

    def services(self) -> dict[str, str]:
        """The services and how many of their tasks run, such as `1/1`."""
        rows = self._rows("docker", "service", "ls", "--format", "{{json .}}")
        return {row["Name"]: row["Replicas"] for row in rows}

    def node_of(self, service: str) -> str:
        """The name of the node on which the service's one task runs. Raises ManagerError if there is not just one."""
        tasks = self._rows(
            *("docker", "service", "ps", "--no-trunc", "--filter", "desired-state=running", "--format", "{{json .}}"), service
        )
        running = [task["Node"] for task in tasks if task["CurrentState"].startswith("Running")]
        if len(running) != 1:
            raise ManagerError(f"service {service!r} has {len(running)} running tasks, expected 1: {tasks}")
        return str(running[0])

    def container_of(self, service: str) -> str:
        """The id of the service's one running container on the manager. Raises ManagerError if there is not just one."""
        found = self.run("docker", "ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}").split()
        if len(found) != 1:
            raise ManagerError(f"service {service!r} has {len(found)} running containers on the manager, expected 1")
        return found[0]

    def _rows(self, *command: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*command).splitlines() if line]
