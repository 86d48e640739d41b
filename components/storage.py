"""What outlives the machines: two volumes, one with the hub's state, one with the homes, and who may mount the latter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote
from pulumi_openstack import blockstorage, compute

from components import storage_commands
from components.backup import Backup, BackupArgs, BackupPlan
from components.image_source import PROJECT_ROOT, context_files, pack
from components.node import Node
from services.hub.home_names import home_of
from services.hub.home_volumes import SERVER_FOLDER

STATE_MOUNT = "/srv/state"
HUB_STATE = f"{STATE_MOUNT}/jupyterhub"  # not the mount point: while that is empty, the hub must not start without its database
DOOR_STATE = f"{STATE_MOUNT}/door"
SHARED_WITH_THE_HUB = ("given_up", "home_names", "hub_folder", "kept_database", "owners", "sqlite_files", "whole_files")
DOOR_USER = 33  # www-data, who runs images/proxy


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """`server` is the node that holds the homes, None where homes are temporary; `clients` mount them over NFS.

    Sizes of volumes are GiB, of homes bytes: `home_quota` is everybody's, `home_quotas` are those of users that differ. An
    empty `volume_type` is the cloud's default. With `keep_data`, no `destroy` deletes a volume.
    """

    prefix: str
    manager: Node
    server: Node | None
    clients: Sequence[Node]
    state_size: int
    homes_size: int
    volume_type: str
    keep_data: bool
    home_quota: int
    home_quotas: Mapping[str, int]
    backup: BackupPlan | None
    backup_password: pulumi.Output[str] | None
    backup_credentials: pulumi.Output[str] | None
    backup_ssh_key: pulumi.Output[str] | None


class Storage(pulumi.ComponentResource):
    """Outputs: `state_folder` and `door_folder` on the manager, known once they are there; `homes_address` of the NFS server,
    empty where homes are temporary; `hub_mounts`, the folder on the manager that the homes are mounted below for the hub, None
    where they are temporary; `volumes`, their ids by name. `exports`: by a client's name, what must be done before it can mount
    homes.
    """

    state_folder: pulumi.Output[str]
    door_folder: pulumi.Output[str]
    homes_address: pulumi.Output[str]
    hub_mounts: pulumi.Output[str] | None
    volumes: dict[str, pulumi.Output[str]]
    exports: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Storage", name, None, opts)
        self._name, self._args = name, args
        self.volumes, self.exports = {}, {}
        with_homes = args.server is args.manager
        tools = self._tools(args.manager, homes=with_homes)
        mounted = self._volume("state", args.manager, args.state_size, STATE_MOUNT, tools)
        folder = self._command("state-folder", args.manager, storage_commands.make_folder(HUB_STATE), [mounted])
        self.state_folder = folder.stdout
        door = self._command("door-folder", args.manager, storage_commands.make_folder(DOOR_STATE, DOOR_USER), [mounted])
        self.door_folder = door.stdout
        self.homes_address, self.hub_mounts = pulumi.Output.from_input(""), None
        if args.server:
            self._homes(args.server, tools if with_homes else self._tools(args.server, homes=True))
            self.homes_address = args.server.address
            self.hub_mounts = self._mount_for_hub(tools).stdout
        self.register_outputs({"state_folder": self.state_folder, "homes_address": self.homes_address})

    def _homes(self, server: Node, tools: remote.Command) -> None:
        args = self._args
        mounted = self._volume("homes", server, args.homes_size, SERVER_FOLDER, tools)
        served = self._command(
            "serve", server, storage_commands.serve_homes(), [mounted], stdin=quota_settings(args.home_quota, args.home_quotas)
        )
        if args.backup:
            Backup(
                f"{self._name}-backup",
                BackupArgs(
                    server=server,
                    plan=args.backup,
                    password=args.backup_password,
                    credentials=args.backup_credentials,
                    ssh_key=args.backup_ssh_key,
                    stack=args.prefix,
                    volume=self.volumes["homes"],
                    ready=served,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        for client in args.clients:
            self.exports[client.name] = remote.Command(
                f"{self._name}-{client.name}-export",
                connection=server.connection,
                create=pulumi.Output.all(client.name, client.address, SERVER_FOLDER).apply(
                    lambda of: storage_commands.export(*of)
                ),
                # A node that leaves is drained first; until then its notebooks keep their homes.
                delete=storage_commands.unexport(client.name),
                triggers=[server.machine_id],
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[served], deleted_with=server.machine, delete_before_replace=True
                ),
            )

    def _mount_for_hub(self, tools: remote.Command) -> remote.Command:
        """By the manager, not by Docker, which would mount them before each start of the hub or not start it."""
        manager = self._args.manager
        return remote.Command(
            f"{self._name}-hub-homes",
            connection=manager.connection,
            create=self.homes_address.apply(storage_commands.mount_for_hub),
            delete=storage_commands.unmount_for_hub(),
            # What the node runs is the archive's; a change of these two is brought into effect, too.
            stdin="".join((PROJECT_ROOT / "storage" / name).read_text() for name in ("hub-homes.sh", "hub-homes.service")),
            triggers=[manager.machine_id],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[tools, self.exports[manager.name]],
                deleted_with=manager.machine,
                delete_before_replace=True,
            ),
        )

    def _tools(self, node: Node, homes: bool) -> remote.Command:
        """The scripts beside it; sent anew when they change, since user data reaches no node that runs."""
        return self._command(f"{node.name}-tools", node, storage_commands.install(homes), [], stdin=tools_archive())

    def _volume(self, what: str, node: Node, gib: int, folder: str, tools: remote.Command) -> remote.Command:
        args = self._args
        volume = blockstorage.Volume(
            f"{self._name}-{what}",
            name=f"{args.prefix}-{what}",
            description=f"JupyterHub's {what}. Deleting it deletes the data for good.",
            size=gib,
            volume_type=args.volume_type or None,
            enable_online_resize=True,
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep_data, retain_on_delete=args.keep_data),
        )
        self.volumes[what] = volume.id
        attachment = compute.VolumeAttach(
            f"{self._name}-{what}-attachment",
            instance_id=node.machine_id,
            volume_id=volume.id,
            # A volume is attached once. With its machine it is detached by the cloud, after the machine has shut down.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, deleted_with=node.machine),
        )
        return remote.Command(
            f"{self._name}-{what}-mounted",
            connection=node.connection,
            create=volume.id.apply(lambda volume_id: storage_commands.mount_volume(volume_id, f"jh-{what}", folder, gib)),
            # Not run when the machine goes too: only where the volume moves to another node.
            delete=storage_commands.release_volume(folder),
            triggers=[node.machine_id, attachment.id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[tools], deleted_with=node.machine, delete_before_replace=True),
        )

    def _command(
        self, what: str, node: Node, create: str, after: Sequence[pulumi.Resource], stdin: str | None = None
    ) -> remote.Command:
        """A step on a node with volumes."""
        return remote.Command(
            f"{self._name}-{what}",
            connection=node.connection,
            create=create,
            stdin=stdin,
            triggers=[node.machine_id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after), deleted_with=node.machine),
        )


def tools_archive() -> str:
    """`storage/` and what it shares with the hub, as `storage_commands.install` reads it."""
    shared = [PROJECT_ROOT / "services" / "hub" / f"{name}.py" for name in SHARED_WITH_THE_HUB]
    return pack([*context_files(PROJECT_ROOT / "storage"), *shared], PROJECT_ROOT)


def quota_settings(default: int, users: Mapping[str, int]) -> str:
    """What storage/quotas.py reads: the sizes by home folders, not by users; and whose they are, for `make users`."""
    homes = {home_of(user): size for user, size in users.items()}
    names = {home_of(user): user for user in users}
    return json.dumps({"default": default, "homes": homes, "names": names}, indent=1, sort_keys=True) + "\n"
