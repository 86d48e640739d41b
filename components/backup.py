"""The backup of the homes: restic on the storage node, by a timer of its systemd."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import storage_commands
from components.node import Node

DEFAULTS = {"schedule": "*-*-* 03:00", "keep": "7d 4w 6m", "hostKey": ""}
# What restic knows; anything else would be a folder on the node, by a path that depends on where restic runs.
_REPOSITORY = re.compile(r"(?:local:)?/.+|(?:s3|sftp|rest|azure|b2|gs|swift|rclone):.+")
_HOST = r"(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9a-fA-F:.]+\])"
_SFTP = re.compile(rf"sftp://{_HOST}(?::(?P<port>\d+))?/.+"), re.compile(rf"sftp:{_HOST}:(?P<port>).+")
_HOST_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(?: .*)?")
_PERIODS = {"d": "daily", "w": "weekly", "m": "monthly"}


@dataclass(frozen=True, kw_only=True)
class BackupPlan:
    """Where to, when (systemd.time(7)), and how many snapshots to keep, by restic's names of periods."""

    repository: str
    schedule: str
    keep: dict[str, int]
    sftp: dict[str, str] | None

    @classmethod
    def parse(cls, values: dict[str, str]) -> BackupPlan:
        """Read the setting `backup`. Raises ValueError with rule and remedy."""
        unknown = sorted(set(values) - {"repository", *DEFAULTS})
        if unknown:
            raise ValueError(f"has no entry {', '.join(unknown)}; it has repository, schedule, keep and hostKey")
        if not values.get("repository"):
            raise ValueError("needs a repository, such as s3:https://objects.example.org/backup or sftp:me@host:/backup")
        entries = {**DEFAULTS, **values}
        if not _REPOSITORY.fullmatch(entries["repository"]):
            raise ValueError(
                "needs a repository that begins with s3:, rest:, sftp:, azure:, b2:, gs:, swift:, rclone: or, on the node, /"
            )
        if not re.fullmatch(r"[A-Za-z0-9 :*,/.~-]+", entries["schedule"]):
            raise ValueError("needs a schedule that systemd knows, such as daily or *-*-* 03:00")
        kept = [re.fullmatch(r"([1-9]\d*)([dwm])", word) for word in entries["keep"].split()]
        if not kept or not all(kept):
            raise ValueError("needs a keep such as 7d 4w 6m (days, weeks, months)")
        keep = {_PERIODS[match[2]]: int(match[1]) for match in kept if match}
        return cls(repository=entries["repository"], schedule=entries["schedule"], keep=keep, sftp=_sftp(entries))


def _sftp(entries: dict[str, str]) -> dict[str, str] | None:
    """User, host, port and host key of a repository that is reached over ssh; None for another. Raises ValueError."""
    repository, host_key = entries["repository"], entries["hostKey"]
    if not repository.startswith("sftp:"):
        if host_key:
            raise ValueError("has a hostKey, which is for an sftp: repository alone")
        return None
    match = _SFTP[0].fullmatch(repository) or _SFTP[1].fullmatch(repository)
    if match is None:
        raise ValueError("needs sftp:user@host:/folder or sftp://user@host:port//folder")
    if not _HOST_KEY.fullmatch(host_key):
        raise ValueError(
            "needs a hostKey, such as `ssh-ed25519 AAAA...`, without which nobody knows whom the backups go to: what "
            f"`ssh-keyscan -t ed25519 {match['host']}` prints, without the host (compare it with what the server's admin says)"
        )
    return {"user": match["user"], "host": match["host"].strip("[]"), "port": match["port"] or "22", "host_key": host_key}


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """`password` encrypts the repository; `credentials` are lines NAME=VALUE for restic's environment; `ssh_key` is the private
    key for an sftp: repository. All are secrets. `volume` is the id of the homes volume, `stack` the name of the stack: they mark
    the snapshots, so that stacks may share a repository."""

    server: Node
    plan: BackupPlan
    password: pulumi.Output[str] | None
    credentials: pulumi.Output[str] | None
    ssh_key: pulumi.Output[str] | None
    stack: str
    volume: pulumi.Output[str]
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
        if args.plan.sftp and args.ssh_key is None:
            raise pulumi.RunError(
                "backupSshKey is not set, but `backup` goes to an sftp: repository; make a key without a passphrase, let its "
                "public half in there, and run: pulumi config set --secret backupSshKey < KEY_FILE"
            )
        parts = pulumi.Output.all(args.stack, args.volume, args.password, args.credentials or "", args.ssh_key or "")
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


def restic_config(plan: BackupPlan, stack: str, volume: str, password: str, credentials: str, ssh_key: str) -> str:
    """What storage/restic.py reads. Raises RunError where a line of the credentials is no NAME=VALUE; it shows no value."""
    environment = {}
    for number, line in enumerate(filter(None, map(str.strip, credentials.splitlines())), 1):
        name, found, value = line.partition("=")
        if not found or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise pulumi.RunError(f"backupCredentials: line {number} is not NAME=VALUE, such as AWS_ACCESS_KEY_ID=...")
        environment[name] = value
    config = {
        "stack": stack,
        "volume": volume,
        "repository": plan.repository,
        "password": password,
        "environment": environment,
        "keep": plan.keep,
        "sftp": {**plan.sftp, "key": ssh_key} if plan.sftp else None,
    }
    return json.dumps(config, indent=1, sort_keys=True) + "\n"
