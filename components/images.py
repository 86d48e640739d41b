"""Images on nodes: built where they run, from a folder of this project, or pulled by reference. Nobody waits for one later."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components import commands
from components.image_source import ImageSource
from components.node import Node


@dataclass(frozen=True, kw_only=True)
class NodeImageArgs:
    """`ready` is what the node must have done before (Docker answers); `build_ca` a PEM text or empty."""

    node: Node
    source: ImageSource
    build_ca: str
    ready: pulumi.Resource


class NodeImage(pulumi.ComponentResource):
    """An image on one node. Outputs: `reference`, known only once the node has the image; `present`, the command."""

    reference: pulumi.Output[str]
    present: remote.Command

    def __init__(self, name: str, args: NodeImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:NodeImage", name, None, opts)
        source = args.source
        self.present = remote.Command(
            f"{name}-present",
            connection=args.node.connection,
            create=commands.pull_image(source.reference) if source.context is None else commands.build_image(source.reference),
            stdin=None if source.context is None else build_input(source, args.build_ca),
            triggers=[args.node.machine_id],
            logging=remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.ready], deleted_with=args.node.machine),
        )
        self.reference = self.present.stdout.apply(lambda _: source.reference)
        self.register_outputs({"reference": self.reference})


def build_input(source: ImageSource, build_ca: str) -> str:
    """Standard input of `commands.build_image`: the CA certificate in base64 (or `-`) on a line, then the context."""
    certificate = base64.b64encode(build_ca.encode()).decode() or "-"
    return f"{certificate}\n{source.archive()}\n"
