"""The docker plugin's stand-in: `python -m standin.docker`, started by the Pulumi engine."""

from typing import Final

from standin.docker_connection import DockerConfig
from standin.docker_objects import Network, Secret, ServiceConfig, Volume
from standin.docker_service import Service
from standin.server import serve

# The vendor's version whose fields and behaviour these are.
VERSION: Final = "5.1.0"
RESOURCE_TYPES: Final = (Network(), Volume(), ServiceConfig(), Secret(), Service())


def main() -> None:
    """Serves until the engine is done."""
    serve("docker", VERSION, DockerConfig(), RESOURCE_TYPES)


if __name__ == "__main__":
    main()
