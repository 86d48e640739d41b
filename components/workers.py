"""The nodes that notebooks run on. A worker joins drained, gets the notebook images, and only then takes notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import swarm_commands
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
        admitted = [self._add_worker(worker, on_manager) for worker in args.workers]
        # After all of them, since it makes another join token.
        remote.Command(
            f"{self._name}-certificates",
            connection=manager.connection,
            create=swarm_commands.certificates(),
            triggers=[args.swarm_id],
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(depends_on=admitted)),
        )

    def _add_worker(self, worker: Node, on_manager: pulumi.ResourceOptions) -> remote.Command:
        """A worker of the swarm; returned is the command after which it takes notebooks."""
        ready = node_ready(self._name, worker, self)
        joined = self._joined(worker, ready, on_manager)
        # In the swarm a worker goes by its id: while one of its name is listed as down, the name means neither.
        node_id = pulumi.Output.unsecret(joined.stdout)
        before = [joined, *self._notebook_images(worker, ready), *self._labels(worker, joined, node_id, on_manager)]
        if worker.name in self._args.before_active:
            before.append(self._args.before_active[worker.name])
        known = pulumi.Output.all(node_id, worker.name, joined.id)
        # Runs on the manager, and is deleted before the worker: draining must come before the machine goes.
        return remote.Command(
            f"{self._name}-{worker.name}-active",
            connection=self._args.manager.connection,
            create=known.apply(lambda of: swarm_commands.admit(*of)),
            update=known.apply(lambda of: swarm_commands.keep_admitted(*of)),
            delete=known.apply(lambda of: swarm_commands.remove(*of)),
            # As they always were: others would replace it, and what an earlier version deletes by is the worker's name.
            triggers=[worker.machine_id, joined.id],
            opts=pulumi.ResourceOptions.merge(on_manager, pulumi.ResourceOptions(depends_on=before)),
        )

    def _joined(self, worker: Node, ready: remote.Command, on_manager: pulumi.ResourceOptions) -> remote.Command:
        """The command that makes the worker one of the swarm and prints its id. Right before, the manager is asked for the token,
        which is another after each change of certificates; and again whenever the command is another."""
        args = self._args
        line = args.swarm_id.apply(swarm_commands.join)
        token = remote.Command(
            f"{self._name}-{worker.name}-token",
            connection=args.manager.connection,
            create=swarm_commands.worker_token(),
            triggers=[args.swarm_id, worker.machine_id, line],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions.merge(
                on_manager, pulumi.ResourceOptions(depends_on=[ready], additional_secret_outputs=["stdout"])
            ),
        )
        secret: pulumi.Output[str] = pulumi.Output.secret(token.stdout)
        request = pulumi.Output.all(args.manager.address, worker.address, secret)
        return remote.Command(
            f"{self._name}-{worker.name}-join",
            connection=worker.connection,
            create=line,
            stdin=request.apply(lambda parts: swarm_commands.join_request(*parts)),
            triggers=[worker.machine_id, args.swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[ready], deleted_with=worker.machine),
        )

    def _labels(
        self, worker: Node, joined: remote.Command, node_id: pulumi.Output[str], on_manager: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        labels = self._args.labels.get(worker.name, ())
        if not labels:
            return []
        labelled = remote.Command(
            f"{self._name}-{worker.name}-labels",
            connection=self._args.manager.connection,
            create=node_id.apply(lambda node: swarm_commands.add_labels(node, labels)),
            delete=node_id.apply(lambda node: swarm_commands.remove_labels(node, labels)),
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
