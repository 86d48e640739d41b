"""The stand-in for the command plugin: `python -m standin.command`."""

from standin import ssh
from standin.command_copy import CopyToRemote
from standin.command_fields import VERSION
from standin.command_local import LocalCommand
from standin.command_remote import RemoteCommand
from standin.provider import ConfigType, ResourceType
from standin.server import serve
from standin.values import Properties

RESOURCE_TYPES: tuple[ResourceType[None], ...] = (RemoteCommand(), CopyToRemote(), LocalCommand())


class CommandConfig(ConfigType[None]):
    """This provider has no configuration."""

    def configure(self, config: Properties) -> None:
        """Nothing to do."""


if __name__ == "__main__":
    ssh.sweep()
    serve("command", VERSION, CommandConfig(), RESOURCE_TYPES)
