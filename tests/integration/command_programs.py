"""What the programs of the command plugin's tests share: a host behind a bastion, and how to sign in there."""

from tests.integration.conftest import SshHosts
from tests.integration.workspace import Workspace

HEAD = """
import os

import pulumi
from pulumi_command import local, remote

SECRET = os.environ.get("STDIN_SECRET", "")


def key(name):
    with open(os.environ[name]) as file:
        return pulumi.Output.secret(file.read())


def connection(**changes):
    proxy = remote.ProxyConnectionArgs(
        host="127.0.0.1", port=int(os.environ["BASTION_PORT"]), private_key=key("BASTION_KEY"), dial_error_limit=2
    )
    given = dict(host="127.0.0.1", port=int(os.environ["TARGET_PORT"]), private_key=key("TARGET_KEY"), proxy=proxy)
    return remote.ConnectionArgs(**{**given, "dial_error_limit": 2, "per_dial_timeout": 5, **changes})


target = connection()
"""


def tell_hosts(workspace: Workspace, hosts: SshHosts) -> None:
    """Lets the programs of a workspace know the hosts."""
    workspace.set_env(
        TARGET_PORT=str(hosts.target.port),
        TARGET_KEY=str(hosts.target_key),
        WRONG_KEY=str(hosts.wrong_key),
        BASTION_PORT=str(hosts.bastion.port),
        BASTION_KEY=str(hosts.bastion_key),
    )
