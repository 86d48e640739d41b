"""Swarm secrets of services: made on the manager, or sent there on standard input; none is in an argument list or a log."""

from __future__ import annotations

import hashlib

import pulumi
from pulumi_command import remote

from components import commands, password_commands
from components.node import Node
from components.services import Secret, secret_file


class SecretMaker:
    """Makes the secrets of one component: Pulumi resources `<component>-<name>`, swarm secrets `jupyterhub-<name>`, files
    `<name>`. They are made anew in a new swarm (`swarm_id`)."""

    def __init__(self, component: str, manager: Node, swarm_id: pulumi.Input[str], parent: pulumi.Resource) -> None:
        self._component, self._manager, self._swarm_id, self._parent = component, manager, swarm_id, parent

    def random(self, name: str) -> Secret:
        """32 random bytes in hex, which never leave the manager, so that they need not pass through Pulumi's state."""
        made = remote.Command(
            f"{self._component}-{name}",
            connection=self._manager.connection,
            create=commands.make_secret(f"jupyterhub-{name}"),
            triggers=[self._swarm_id],
            opts=pulumi.ResourceOptions(parent=self._parent),
        )
        return secret_file(made.stdout, f"jupyterhub-{name}", name)

    def password(self, name: str, length: int, service: str) -> tuple[Secret, pulumi.Output[str]]:
        """A generated password of a service, which people type: the secret, and the text as a secret output.

        `create` runs again whenever an input changes, `connection` among them. It prints the password that the manager keeps;
        and a text that is another one all the same is another secret, which the service then gets.
        """
        generated = remote.Command(
            f"{self._component}-{name}-text",
            connection=self._manager.connection,
            create=password_commands.keep_password(name, length, service),
            # Removed with the setting that made it.
            delete=password_commands.forget_password(name, service),
            triggers=[self._swarm_id],
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self._parent, additional_secret_outputs=["stdout"]),
        )
        text: pulumi.Output[str] = pulumi.Output.secret(generated.stdout)
        return self.given(name, text), text

    def given(self, name: str, value: pulumi.Output[str], *, file: str = "", hashed: pulumi.Output[str] | None = None) -> Secret:
        """A secret that is known here, as `file` if that is not its name. Swarm secrets do not change, so the name carries a
        few digits of a hash: another value is another secret, and the old one goes once no service has it.

        `hashed` takes the value's place there, where something public changes with it. The swarm counts too: else, in a new
        one, the removal of the old secret would meet the new one.
        """
        parts = pulumi.Output.all(self._swarm_id, value if hashed is None else hashed)
        digest = parts.apply(lambda texts: hashlib.sha256("\0".join(texts).encode()).hexdigest())
        plain = pulumi.Output.unsecret(digest.apply(lambda digits: f"jupyterhub-{name}-{digits[:8]}"))
        stored = remote.Command(
            f"{self._component}-{name}",
            connection=self._manager.connection,
            create=plain.apply(commands.store_secret),
            delete=plain.apply(commands.remove_secret),
            stdin=value,
            triggers=[plain],
            opts=pulumi.ResourceOptions(parent=self._parent),
        )
        return secret_file(stored.stdout, plain, file or name)
