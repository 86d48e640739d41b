"""The backup of the homes: restic on the storage node, by a timer of its systemd."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import storage_commands
from components.node import Node

DEFAULTS = {"schedule": "*-*-* 03:00", "keep": "7d 4w 6m"}
_PERIODS = {"d": "daily", "w": "weekly", "m": "monthly"}


@dataclass(frozen=True, kw_only=True)
class BackupPlan:
    """Where to, when (systemd.time(7)), and how many snapshots to keep, by restic's names of periods."""

    repository: str
    schedule: str
    keep: dict[str, int]

    @classmethod
    def parse(cls, values: dict[str, str]) -> BackupPlan:
        """Read the setting `backup`. Raises ValueError with rule and remedy."""
        unknown = sorted(set(values) - {"repository", *DEFAULTS})
        if unknown:
            raise ValueError(f"has no entry {', '.join(unknown)}; it has repository, schedule and keep")
        if not values.get("repository"):
            raise ValueError("needs a repository, such as s3:https://objects.example.org/backup or sftp:me@host:/backup")
        entries = {**DEFAULTS, **values}
        if not re.fullmatch(r"[A-Za-z0-9 :*,/.~-]+", entries["schedule"]):
            raise ValueError("needs a schedule that systemd knows, such as daily or *-*-* 03:00")
        kept = [re.fullmatch(r"([1-9]\d*)([dwm])", word) for word in entries["keep"].split()]
        if not kept or not all(kept):
            raise ValueError("needs a keep such as 7d 4w 6m (days, weeks, months)")
        keep = {_PERIODS[match[2]]: int(match[1]) for match in kept if match}
        return cls(repository=entries["repository"], schedule=entries["schedule"], keep=keep)


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """`password` encrypts the repository; `credentials` are lines NAME=VALUE for restic's environment. Both are secrets."""

    server: Node
    plan: BackupPlan
    password: pulumi.Output[str] | None
    credentials: pulumi.Output[str] | None
    ready: pulumi.Resource


class Backup(pulumi.ComponentResource):
    """No outputs: `make status` shows how the last backup went."""

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Backup", name, None, opts)
        if args.password is None:
            raise pulumi.RunError(
                "backupPassword is not set, but `backup` is; without it nobody could read the backups again. Choose one, "
                "keep a copy elsewhere, and run: pulumi config set --secret backupPassword"
            )
        parts = pulumi.Output.all(args.password, args.credentials or "")
        config: pulumi.Output[str] = pulumi.Output.secret(parts.apply(lambda texts: restic_config(args.plan, *texts)))
        remote.Command(
            f"{name}-timer",
            connection=args.server.connection,
            create=storage_commands.configure_backup(args.plan.schedule),
            delete=storage_commands.end_backup(),
            stdin=config,
            triggers=[args.server.machine_id],
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[args.ready], deleted_with=args.server.machine, delete_before_replace=True
            ),
        )
        self.register_outputs({})


def restic_config(plan: BackupPlan, password: str, credentials: str) -> str:
    """What storage/restic.py reads. Raises RunError where a line of the credentials is no NAME=VALUE; it shows no value."""
    environment = {}
    for number, line in enumerate(filter(None, map(str.strip, credentials.splitlines())), 1):
        name, found, value = line.partition("=")
        if not found or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise pulumi.RunError(f"backupCredentials: line {number} is not NAME=VALUE, such as AWS_ACCESS_KEY_ID=...")
        environment[name] = value
    config = {"repository": plan.repository, "password": password, "environment": environment, "keep": plan.keep}
    return json.dumps(config, indent=1, sort_keys=True) + "\n"
