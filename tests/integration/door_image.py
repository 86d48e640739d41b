"""The front door's image on the tests' engine: built by the machine's own engine, which has a network, and handed over."""

import subprocess

from components.image_source import ImageSource
from lab import apt, images
from tests.integration.docker_engine import DockerEngine


def door_image(engine: DockerEngine) -> str:
    """Its reference. What the machine's engine has is not built again."""
    source = ImageSource.parse("./images/proxy")
    images.build(source, apt.extra_ca())
    with subprocess.Popen(["docker", "save", source.reference], stdout=subprocess.PIPE) as saved:
        engine.load(saved)
    return source.reference
