"""The swarm: machines become nodes. A worker joins drained, gets the notebook image, and only then takes notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote
from pulumi_docker.provider import Provider

from components import commands
from components.image_source import ImageSource
from components.images import NodeImage, NodeImageArgs
from components.node import Node

VXLAN_HEADER = 50  # bytes that an overlay network's encapsulation takes of the underlay's MTU


@dataclass(frozen=True, kw_only=True)
class SwarmArgs:
    """`ssh_private_key_file` is an absolute path, for the docker provider's ssh client; `address_pool` a CIDR.

    Nodes that notebooks run on have all of `notebook_images`. `worker_labels` are, by a worker's name, labels `key=value`.
    `before_active` is, by a worker's name, what must be done before notebooks may land on it.
    """

    manager: Node
    workers: Sequence[Node]
    address_pool: str
    ssh_user: str
    ssh_private_key_file: str
    notebook_images: Sequence[ImageSource]
    worker_labels: Mapping[str, Sequence[str]]
    build_ca: str
    before_active: Mapping[str, pulumi.Resource]


class Swarm(pulumi.ComponentResource):
    """Outputs: `swarm_id`; `overlay_mtu` (bytes, as text); `docker`, the provider for the manager's daemon; `manager_ready`,
    the command that image builds on the manager wait for; `images_present`, the commands after which all nodes that notebooks
    run on have their images.

    `docker`'s host is data of the swarm's initialisation, since `depends_on` of a provider is not honoured (pulumi#8917).
    """

    swarm_id: pulumi.Output[str]
    overlay_mtu: pulumi.Output[str]
    docker: Provider
    manager_ready: remote.Command
    images_present: list[pulumi.Resource]

    def __init__(self, name: str, args: SwarmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Swarm", name, None, opts)
        self._name, self._args = name, args
        manager = args.manager
        self.manager_ready = self._ready(manager)
        on_manager = pulumi.ResourceOptions(parent=self, depends_on=[self.manager_ready], deleted_with=manager.machine)
        mtu = remote.Command(
            f"{name}-mtu",
            connection=manager.connection,
            create=commands.nic_mtu(),
            triggers=[manager.machine_id],
            opts=on_manager,
        )
        self.overlay_mtu = mtu.stdout.apply(lambda text: str(int(text) - VXLAN_HEADER))
        self._initialised = remote.Command(
            f"{name}-init",
            connection=manager.connection,
            create=manager.address.apply(lambda address: commands.swarm_init(address, args.address_pool)),
            triggers=[manager.machine_id],
            opts=on_manager,
        )
        self.swarm_id = self._initialised.stdout
        self.docker = self._docker_provider()
        self.images_present = []
        self._join(on_manager)
        self.register_outputs({"swarm_id": self.swarm_id, "overlay_mtu": self.overlay_mtu})

    def _ready(self, node: Node) -> remote.Command:
        return remote.Command(
            f"{self._name}-{node.name}-ready",
            connection=node.connection,
            create=commands.wait_ready(),
            triggers=[node.machine_id],
            opts=pulumi.ResourceOptions(parent=self, deleted_with=node.machine),
        )

    def _docker_provider(self) -> Provider:
        args = self._args
        host = pulumi.Output.all(args.manager.connection.host, self.swarm_id).apply(
            lambda values: f"ssh://{args.ssh_user}@{values[0]}:22"
        )
        return Provider(
            f"{self._name}-docker",
            host=host,
            ssh_opts=[
                "-i",
                args.ssh_private_key_file,
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
            ],
            opts=pulumi.ResourceOptions(parent=self, deleted_with=args.manager.machine),
        )

    def _join(self, on_manager: pulumi.ResourceOptions) -> None:
        args, manager = self._args, self._args.manager
        if not args.workers:  # then notebooks run on the manager, and the image must be there
            self._notebook_images(manager, self.manager_ready)
            return
        token = remote.Command(
            f"{self._name}-worker-token",
            connection=manager.connection,
            create=commands.worker_token(),
            triggers=[self.swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(additional_secret_outputs=["stdout"])),
        )
        for worker in args.workers:
            self._add_worker(worker, pulumi.Output.secret(token.stdout), on_manager)

    def _add_worker(self, worker: Node, token: pulumi.Output[str], on_manager: pulumi.ResourceOptions) -> None:
        manager = self._args.manager
        ready = self._ready(worker)
        joined = remote.Command(
            f"{self._name}-{worker.name}-join",
            connection=worker.connection,
            create=self.swarm_id.apply(commands.swarm_join),
            stdin=pulumi.Output.all(manager.address, worker.address, token).apply(lambda parts: commands.join_request(*parts)),
            triggers=[worker.machine_id, self.swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[ready], deleted_with=worker.machine),
        )
        before: list[pulumi.Resource] = [joined, *self._notebook_images(worker, ready), *self._labels(worker, joined, on_manager)]
        if worker.name in self._args.before_active:
            before.append(self._args.before_active[worker.name])
        # Runs on the manager, and is deleted before the worker: draining must come before the machine goes.
        remote.Command(
            f"{self._name}-{worker.name}-active",
            connection=manager.connection,
            create=commands.activate(worker.name),
            delete=commands.remove_node(worker.name),
            triggers=[worker.machine_id, joined.id],
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(depends_on=before)),
        )

    def _labels(self, worker: Node, joined: remote.Command, on_manager: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        labels = self._args.worker_labels.get(worker.name, ())
        if not labels:
            return []
        labelled = remote.Command(
            f"{self._name}-{worker.name}-labels",
            connection=self._args.manager.connection,
            create=commands.add_labels(worker.name, labels),
            delete=commands.remove_labels(worker.name, labels),
            triggers=[joined.id, *labels],
            # Others replace these: the old ones must go first, lest they take a new one of the same key along.
            opts=pulumi.ResourceOptions.merge(
                on_manager, pulumi.ResourceOptions(depends_on=[joined], delete_before_replace=True)
            ),
        )
        return [labelled]

    def _notebook_images(self, node: Node, ready: remote.Command) -> list[pulumi.Resource]:
        """Each image of notebooks on the node. The names count, so that a changed image is brought by the same resource."""
        present: list[pulumi.Resource] = []
        for number, source in enumerate(self._args.notebook_images):
            image = NodeImage(
                f"{self._name}-{node.name}-notebook-image{f'-{number}' if number else ''}",
                NodeImageArgs(node=node, source=source, build_ca=self._args.build_ca, ready=ready),
                pulumi.ResourceOptions(parent=self),
            )
            present.append(image.present)
        self.images_present += present
        return present
