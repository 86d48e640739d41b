"""Image references as Docker's own client writes them into a service."""

from collections.abc import Mapping
from typing import Any, Final

from standin.context import Context
from standin.docker_connection import DockerApi
from standin.errors import ProviderError

_HUB: Final = ("docker.io", "index.docker.io")


def full_reference(image: str) -> str:
    """The shortest form of the reference, with the tag `latest` where there is neither tag nor digest.

    Docker stores this form, so that a program that writes another one sees a difference at every `up`.
    """
    first, slash, rest = image.partition("/")
    if slash and first in _HUB:
        image = rest.removeprefix("library/") if rest.count("/") == 1 else rest
    elif slash and first == "library" and "/" not in rest:
        image = rest
    if "@" in image or ":" in image.rsplit("/", 1)[-1]:
        return image
    return f"{image}:latest"


def pin_image(context: Context[DockerApi], spec: dict[str, Any]) -> None:
    """Adds to the spec of a new service the digest and the platforms that the image's registry gives for it.

    A registry that cannot be asked is no error: each node then finds the image for itself.
    """
    task = spec["TaskTemplate"]
    image = task["ContainerSpec"]["Image"]
    try:
        found = context.required_config().get(f"/distribution/{image}/json")
    except ProviderError as error:
        context.debug(f"the image {image} is not pinned to a digest: {error}")
        return
    if found is None:
        return
    if "@" not in image:
        task["ContainerSpec"]["Image"] = f"{image}@{found['Descriptor']['digest']}"
    if platforms := found.get("Platforms"):
        task["Placement"]["Platforms"] = [_platform(platform) for platform in platforms]


def _platform(platform: Mapping[str, Any]) -> dict[str, str]:
    """Nodes call 32-bit ARM by finer names than images do, so that it cannot be a rule for the scheduler."""
    architecture = platform.get("architecture", "")
    return {"Architecture": "" if architecture.lower() == "arm" else architecture, "OS": platform.get("os", "")}
