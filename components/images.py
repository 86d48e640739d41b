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
class RegistryLogin:
    """How nodes sign in at a registry: `server` as images name it, such as ghcr.io; `password` is a secret."""

    server: str
    user: str
    password: pulumi.Input[str]

    def serves(self, source: ImageSource) -> bool:
        """Whether an image comes from there."""
        return source.context is None and source.reference.startswith(f"{self.server}/")


@dataclass(frozen=True, kw_only=True)
class NodeImageArgs:
    """`ready` is what the node must have done before (Docker answers); `build_ca` a PEM text or empty; `registry` the one that
    wants a password, if any does."""

    node: Node
    source: ImageSource
    build_ca: str
    ready: pulumi.Resource
    registry: RegistryLogin | None = None


class NodeImage(pulumi.ComponentResource):
    """An image on one node. Outputs: `reference`, known only once the node has the image; `present`, the command."""

    reference: pulumi.Output[str]
    present: remote.Command

    def __init__(self, name: str, args: NodeImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:NodeImage", name, None, opts)
        source = args.source
        create, stdin = _bring(args)
        self.present = remote.Command(
            f"{name}-present",
            connection=args.node.connection,
            create=create,
            stdin=stdin,
            triggers=[args.node.machine_id],
            logging=remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.ready], deleted_with=args.node.machine),
        )
        self.reference = self.present.stdout.apply(lambda _: source.reference)
        self.register_outputs({"reference": self.reference})


def _bring(args: NodeImageArgs) -> tuple[str, pulumi.Input[str] | None]:
    """The shell line that the image comes by, and its standard input."""
    source, registry = args.source, args.registry
    if source.context is not None:
        return commands.build_image(source.reference), build_input(source, args.build_ca)
    if registry and registry.serves(source):
        return commands.pull_image(source.reference, registry.server, registry.user), pulumi.Output.secret(registry.password)
    return commands.pull_image(source.reference), None


def build_input(source: ImageSource, build_ca: str) -> str:
    """Standard input of `commands.build_image`: the CA certificate in base64 (or `-`) on a line, then the context."""
    certificate = base64.b64encode(build_ca.encode()).decode() or "-"
    return f"{certificate}\n{source.archive()}\n"
