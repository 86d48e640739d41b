"""What the command stand-in refuses, and that its ssh client gets no secret on a command line and leaves no file."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from standin import ssh
from standin.command import RESOURCE_TYPES, CommandConfig
from standin.endpoint import Connection
from standin.values import UNKNOWN

from tests.unit.standin_engine import Caller, running

REMOTE, LOCAL, COPY = "command:remote:Command", "command:local:Command", "command:remote:CopyToRemote"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LWtleS1tYXRlcmlhbA==\n-----END OPENSSH PRIVATE KEY-----"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHBpbm5lZA== somebody"


@pytest.fixture
def caller() -> Iterator[Caller]:
    with running(CommandConfig(), RESOURCE_TYPES) as running_caller:
        yield running_caller


def connection(**changes: Any) -> dict[str, Any]:
    return {"host": "192.0.2.1", "privateKey": KEY, **changes}


@pytest.mark.parametrize(
    ("token", "inputs", "path", "reason"),
    [
        (LOCAL, {"create": "true", "assetPaths": ["*"]}, "assetPaths", "does not know this field"),
        (REMOTE, {"connection": connection(jump="x")}, "connection.jump", "does not know this field"),
        (REMOTE, {"create": "true"}, "connection", "missing"),
        (REMOTE, {"connection": {"user": "x"}}, "connection.host", "missing"),
        (REMOTE, {"connection": connection(password="p")}, "connection.password", "by key only"),
        (REMOTE, {"connection": connection(proxy=connection(password="p"))}, "connection.proxy.password", "by key only"),
        (COPY, {"connection": connection(password="p"), "source": UNKNOWN, "remotePath": "x"}, "connection.password", "key"),
        (REMOTE, {"connection": connection(), "logging": "all"}, "logging", "must be one of stdout, stderr"),
    ],
)
def test_what_it_does_not_do_is_refused_before_anything_runs(
    caller: Caller, token: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    failures = caller.check(token, inputs).failures
    assert [failure.property for failure in failures] == [path]
    assert reason in failures[0].reason


def test_a_secret_line_is_refused_because_others_could_see_it(caller: Caller) -> None:
    inputs = {"connection": connection(), "delete": "echo token"}
    failures = caller.check(REMOTE, inputs, [("delete",)]).failures
    assert [failure.property for failure in failures] == ["delete"]
    assert "stdin" in failures[0].reason
    assert not caller.check(REMOTE, inputs, [("connection",)]).failures


def test_values_that_are_not_known_yet_pass_the_check(caller: Caller) -> None:
    for inputs in ({"connection": UNKNOWN}, {"connection": connection(host=UNKNOWN), "create": UNKNOWN, "triggers": [UNKNOWN]}):
        assert not caller.check(REMOTE, inputs).failures


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": "-oProxyCommand=touch /tmp/x"}, "no host name"),
        ({"host": "a b"}, "no host name"),
        ({"user": "me\nProxyCommand x"}, "no user name"),
        ({"privateKey": "secret-but-no-key"}, "not a private key"),
        ({"hostKey": "AAAA"}, "not a public key"),
        ({"agentSocketPath": "/no/such/socket"}, "no socket of an ssh agent"),
    ],
)
def test_a_connection_that_ssh_could_misread_is_refused(caller: Caller, changes: dict[str, str], reason: str) -> None:
    inputs = {"connection": connection(**changes), "create": "true"}
    with pytest.raises(grpc.RpcError) as error:
        caller.create(REMOTE, inputs, [("connection",)])
    text = str(error.value)
    assert reason in text
    assert "secret-but-no-key" not in text


def test_the_ssh_client_gets_secrets_in_private_files_that_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/somebody/elses/agent")
    given = connection(proxy=connection(host="bastion.example", privateKeyPassword="open sesame"), hostKey=HOST_KEY)
    with ssh.prepared(Connection.from_inputs(given), ["GREETING"]) as client:
        shown = " ".join(client.argv("target", "--", "true"))
        config = (client.folder / "config").read_text()
        environment = client.env({"GREETING": "hello"})
        files = {path.name: path for path in client.folder.iterdir()}
        assert client.folder.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o077 == 0 for path in files.values())
        for secret in ("c2VjcmV0", "open sesame"):
            assert secret not in shown and secret not in config and secret not in str(environment)
        assert files["target.hosts"].read_text() == "target ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHBpbm5lZA==\n"
        assert "SSH_AUTH_SOCK" not in environment and config.count("IdentityAgent none") == 2
        resolved = subprocess.run(
            ["ssh", "-F", client.folder / "config", "-G", "target"], capture_output=True, text=True, check=True
        )
        assert "stricthostkeychecking true" in resolved.stdout and "hostname 192.0.2.1" in resolved.stdout
        folder = client.folder
    assert not folder.exists()


def test_what_a_killed_plugin_left_behind_is_swept_up() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Path(tempfile.gettempdir(), f"standin-command-{ended.pid}-test")
    in_use = Path(tempfile.mkdtemp(prefix=f"standin-command-{os.getpid()}-"))
    left.mkdir()
    try:
        ssh.sweep()
        assert not left.exists()
        assert in_use.exists()
    finally:
        for folder in (left, in_use):
            shutil.rmtree(folder, ignore_errors=True)


def test_a_preview_of_an_update_knows_what_the_vendors_plugin_knows(caller: Caller) -> None:
    kind = next(kind for kind in RESOURCE_TYPES if kind.token == LOCAL)
    old = {"create": "echo a", "stdout": "a", "stderr": ""}
    context: Any = None
    added = kind.preview_update(context, "1", old, {"create": "echo a", "triggers": [1]})
    changed = kind.preview_update(context, "1", old, {"create": "echo b"})
    removed = kind.preview_update(context, "1", {**old, "dir": "/"}, {"create": "echo a"})
    assert added["stdout"] == "a"
    assert changed["stdout"] is UNKNOWN and removed["stdout"] is UNKNOWN
