"""The nodes that notebooks run on. A worker joins drained, gets the notebook images, and only then takes notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import commands
from components.image_source import ImageSource
from components.images import NodeImage, NodeImageArgs, RegistryLogin
from components.node import Node
from components.swarm import node_ready


@dataclass(frozen=True, kw_only=True)
class WorkersArgs:
    """Nodes that notebooks run on have all of `notebook_images`. `labels` are, by a worker's name, labels `key=value`.

    `before_active` is, by a worker's name, what must be done before notebooks may land on it.
    """

    manager: Node
    manager_ready: remote.Command
    swarm_id: pulumi.Output[str]
    workers: Sequence[Node]
    labels: Mapping[str, Sequence[str]]
    notebook_images: Sequence[ImageSource]
    registry: RegistryLogin | None
    build_ca: str
    before_active: Mapping[str, pulumi.Resource]


class Workers(pulumi.ComponentResource):
    """Output: `images_present`, the commands after which all nodes that notebooks run on have their images."""

    images_present: list[pulumi.Resource]

    def __init__(self, name: str, args: WorkersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Workers", name, None, opts)
        self._name, self._args = name, args
        self.images_present = []
        self._join(pulumi.ResourceOptions(parent=self, depends_on=[args.manager_ready], deleted_with=args.manager.machine))
        self.register_outputs({})

    def _join(self, on_manager: pulumi.ResourceOptions) -> None:
        args, manager = self._args, self._args.manager
        if not args.workers:  # then notebooks run on the manager, and the image must be there
            self._notebook_images(manager, args.manager_ready)
            return
        token = remote.Command(
            f"{self._name}-token",
            connection=manager.connection,
            create=commands.worker_token(),
            triggers=[args.swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(additional_secret_outputs=["stdout"])),
        )
        for worker in args.workers:
            self._add_worker(worker, pulumi.Output.secret(token.stdout), on_manager)

    def _add_worker(self, worker: Node, token: pulumi.Output[str], on_manager: pulumi.ResourceOptions) -> None:
        manager = self._args.manager
        ready = node_ready(self._name, worker, self)
        joined = remote.Command(
            f"{self._name}-{worker.name}-join",
            connection=worker.connection,
            create=self._args.swarm_id.apply(commands.swarm_join),
            stdin=pulumi.Output.all(manager.address, worker.address, token).apply(lambda parts: commands.join_request(*parts)),
            triggers=[worker.machine_id, self._args.swarm_id],
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
            update=commands.keep_activated(worker.name),
            delete=commands.remove_node(worker.name),
            triggers=[worker.machine_id, joined.id],
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(depends_on=before)),
        )

    def _labels(self, worker: Node, joined: remote.Command, on_manager: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        labels = self._args.labels.get(worker.name, ())
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
                NodeImageArgs(node=node, source=source, build_ca=self._args.build_ca, registry=self._args.registry, ready=ready),
                pulumi.ResourceOptions(parent=self),
            )
            present.append(image.present)
        self.images_present += present
        return present
