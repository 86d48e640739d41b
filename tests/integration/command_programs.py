"""What the programs of the command plugin's tests share: a host behind a bastion, and how to sign in there."""

from tests.integration.conftest import SshHosts
from tests.integration.workspace import Result, Workspace

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


def expect_no_leak(workspace: Workspace, result: Result, hosts: SshHosts, *secrets: str) -> None:
    """No secret in what the engine says or writes: the keys (any line of them) and the given texts."""
    keys = [key.read_text() for key in (hosts.target_key, hosts.bastion_key, hosts.wrong_key)]
    hidden = [line for key in keys for line in key.splitlines() if "PRIVATE KEY" not in line and len(line) > 20]
    places = {"output": result.output, "events": result.events}
    places.update({path.name: path.read_text(errors="replace") for path in workspace.files()})
    for place, text in places.items():
        for secret in (*hidden, *secrets):
            assert secret not in text, f"{secret[:12]}... is in {place}"
