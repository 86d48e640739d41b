"""Where nodes get private notebook images: another's registry, with credentials, or one of the swarm's own.

The own one is a service on the manager that every node reaches as `127.0.0.1:5000`. Docker takes a registry on the loopback
interface as it is, so no daemon needs a certificate or a setting. Between nodes the images travel over Swarm's ingress network;
a password keeps notebooks out, which could reach the port too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pulumi
from pulumi_command import remote

from components.image_source import REGISTRY, ImageSource
from components.images import NodeImage, NodeImageArgs, RegistryLogin
from components.node import Node
from components.services import Mount, ServiceArgs, manager_service
from components.storage_commands import bounded_folder
from components.swarm_secrets import SecretMaker

INTERNAL = "internal"
USER = "jupyterhub"
SERVICE = "registry"
UID = 990  # of the image's user


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """`server` is `internal`, another's registry as images name it, or empty; `user` and `password` (secret) belong to the
    second. The others serve the first: `state_folder` is on the manager, on a volume of `state_size` GiB; the password is made
    anew in a new swarm. `images` are those that the settings name.
    """

    server: str
    user: str
    password: pulumi.Output[str] | None
    manager: Node
    manager_ready: pulumi.Resource
    swarm_id: pulumi.Input[str]
    image: ImageSource
    images: Sequence[ImageSource]
    build_ca: str
    state_folder: pulumi.Input[str]
    state_size: int


class Registry(pulumi.ComponentResource):
    """Outputs: `login` for the nodes, None where all images are public; `outputs` for the stack: how to push to the own one."""

    login: RegistryLogin | None
    outputs: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Registry", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        self.login, self.outputs = None, {}
        if args.server == INTERNAL:
            self.login = RegistryLogin(server=REGISTRY, user=USER, password=self._serve())
            self.outputs = {"registry": pulumi.Output.from_input(self.login.password).apply(push_help)}
        elif args.server:
            self.login = RegistryLogin(server=args.server, user=args.user, password=args.password or "")
        self.register_outputs(self.outputs)

    def _serve(self) -> pulumi.Output[str]:
        """The service; its password, known once it runs."""
        name, args = self._name, self._args
        image = NodeImage(
            f"{name}-image",
            NodeImageArgs(node=args.manager, source=args.image, build_ca=args.build_ca, ready=args.manager_ready),
            self._child,
        )
        folder = remote.Command(
            f"{name}-folder",
            connection=args.manager.connection,
            create=pulumi.Output.from_input(args.state_folder).apply(lambda state: beside(state, args.state_size)),
            triggers=[args.manager.machine_id],
            opts=self._child,
        )
        remote.Command(
            f"{name}-kept",
            connection=args.manager.connection,
            create=folder.stdout.apply(lambda path: keep(path, args.images)),
            triggers=[args.manager.machine_id],
            opts=self._child,
        )
        secret, password = SecretMaker(name, args.manager, args.swarm_id, self).password("registry-password", 20, SERVICE)
        service = manager_service(
            f"{name}-service",
            ServiceArgs(
                service_name=SERVICE,
                image=image.reference,
                memory_limit=256 * 1024**2,
                mounts=[Mount(type="bind", source=folder.stdout, target="/var/lib/registry")],
                secrets=[secret],
                on_every_node=[5000],
            ),
            self._child,
        )
        return pulumi.Output.secret(pulumi.Output.all(password, service.id).apply(lambda values: str(values[0])))


def server(text: str) -> str:
    """The rule for the setting `registry`. Raises ValueError with rule and remedy."""
    if text and text != INTERNAL and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?", text):
        raise ValueError("must be internal, or a registry as its images are named, such as ghcr.io or registry.example.org:5000")
    return text


def contradictions(registry: str, user: str, password: str | None, images: Iterable[ImageSource]) -> Iterator[str]:
    """What does not go together, one line each."""
    external = registry not in ("", INTERNAL)
    for setting, given, option in (("registryUser", user, ""), ("registryPassword", password, " --secret")):
        if given and not external:
            yield f"{setting}: belongs to a registry of somebody else's; name that in registry, or remove {setting}"
        if external and not given:
            yield f"{setting}: missing for {registry}: pulumi config set{option} {setting} VALUE (public images need no registry)"
    for source in images:
        if registry != INTERNAL and source.context is None and source.reference.startswith(f"{REGISTRY}/"):
            yield f"registry: {source.reference} is of the swarm's own registry, which is off; set registry to internal"


def room(state_size: int) -> int:
    """What the registry may take of a volume of so many GiB, in MiB: all but 3 GiB, or 70 % of a small one."""
    return max(state_size * 1024 - 3 * 1024, state_size * 1024 * 7 // 10)


def beside(state_folder: str, state_size: int) -> str:
    """The shell line for the folder of the images, on the same volume as the hub's state, of which it never takes all."""
    return bounded_folder(str(PurePosixPath(state_folder).with_name("registry")), UID, room(state_size))


def keep(folder: str, images: Iterable[ImageSource]) -> str:
    """The shell line that tells the registry (images/registry/collect.py) which of its images the settings name by a digest:
    they stay, though their tags were pushed anew."""
    own = (source.reference for source in images if source.context is None)
    digests = sorted({name.partition("@")[2] for name in own if name.startswith(f"{REGISTRY}/") and "@" in name})
    return f"printf '%s\\n' {shlex.join(digests)} | sudo tee {shlex.quote(f'{folder}/kept')} >/dev/null"


def push_help(password: str) -> str:
    """How a person puts an image into the swarm's own registry, from any machine with Docker."""
    return (
        f"ssh -L 5000:{REGISTRY} to the manager (output ssh), then: docker login {REGISTRY} (user {USER}, password {password}); "
        f"docker push {REGISTRY}/NAME:TAG; pulumi config set notebookImage {REGISTRY}/NAME:TAG"
    )
