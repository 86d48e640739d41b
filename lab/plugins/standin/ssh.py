"""Connections by the system's ssh client, as the vendor's command plugin makes them with its own.

Keys, passwords and pinned host keys lie in a private folder for as long as one operation lasts. The user's own
~/.ssh and agent are left alone unless the connection asks for an agent.
"""

import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from standin.endpoint import Connection, Endpoint
from standin.errors import ProviderError

_FOLDER_PREFIX = "standin-command-"
# Through a bastion the vendor sets no limit: there the bastion's kernel gives up, after about two minutes.
_PROXIED_SECONDS = 180


@dataclass(frozen=True)
class Client:
    """A prepared ssh client: its private folder, and how to call it."""

    folder: Path
    connection: Connection

    def argv(self, *arguments: str) -> list[str]:
        """The command line for a session on the target. Holds no secret."""
        return [_program(), "-F", str(self.folder / "config"), "-E", str(self.log("target")), *arguments]

    def env(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The client's environment. `extra` is what SendEnv sends, so that no value of it is on a command line."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return {**kept, "SHELL": "/bin/sh", **_askpass(self.folder, "target"), **extra}

    def log(self, name: str) -> Path:
        """Where the client writes what happened to the connection to `target` or `bastion`."""
        return self.folder / f"{name}.log"

    def clear_logs(self) -> None:
        """Forgets an earlier attempt."""
        for name in ("target", "bastion"):
            self.log(name).unlink(missing_ok=True)

    def read_log(self, name: str) -> str:
        """The log's text, empty when the client did not come that far."""
        with contextlib.suppress(FileNotFoundError):
            return self.log(name).read_text(errors="replace")
        return ""


@contextmanager
def prepared(connection: Connection, sent_names: Sequence[str] = ()) -> Iterator[Client]:
    """A client for one operation; its folder, keys and all, is gone afterwards.

    `sent_names` are the environment variables that the session may send.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
    try:
        blocks = [_block(folder, "target", connection.target, sent_names, connection.proxy is not None)]
        if connection.proxy is not None:
            blocks.append(_block(folder, "bastion", connection.proxy, (), False))
        _write(folder / "config", "\n".join(blocks))
        yield Client(folder, connection)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Removes folders that a killed plugin left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(_FOLDER_PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _block(folder: Path, name: str, endpoint: Endpoint, sent_names: Sequence[str], proxied: bool) -> str:
    """One Host of the client's configuration, with its files written."""
    _write_credentials(folder, name, endpoint)
    timeout = _PROXIED_SECONDS if proxied else endpoint.per_dial_timeout
    options = {
        "HostName": endpoint.host,
        "Port": str(endpoint.port),
        "User": endpoint.user,
        "HostKeyAlias": name,
        "IdentityFile": f'"{folder / name}.key"' if endpoint.private_key else "none",
        "IdentityAgent": f'"{endpoint.agent_socket}"' if endpoint.agent_socket else "none",
        "IdentitiesOnly": "no" if endpoint.agent_socket else "yes",
        "PreferredAuthentications": "publickey",
        "BatchMode": "no" if endpoint.private_key_password else "yes",
        "NumberOfPasswordPrompts": "1",
        "StrictHostKeyChecking": "yes" if endpoint.host_key else "no",
        "UserKnownHostsFile": f'"{folder / name}.hosts"' if endpoint.host_key else "/dev/null",
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "ConnectTimeout": str(timeout) if timeout > 0 else "none",
        "ServerAliveInterval": "30",
        "ServerAliveCountMax": "20",
        "RequestTTY": "no",
        "LogLevel": "VERBOSE",
    }
    if endpoint.host_key:
        options["HostKeyAlgorithms"] = endpoint.host_key.split()[0]
    if sent_names:
        options["SendEnv"] = " ".join(sent_names)
    if proxied:
        options["ProxyCommand"] = _proxy_command(folder)
    return "\n".join([f"Host {name}", *(f"  {key} {value}" for key, value in options.items())]) + "\n"


def _proxy_command(folder: Path) -> str:
    askpass = [f"{name}={value}" for name, value in _askpass(folder, "bastion").items()]
    client = [_program(), "-F", str(folder / "config"), "-E", str(folder / "bastion.log")]
    words = ["env", *askpass, *client, "-W"]
    return " ".join(shlex.quote(word.replace("%", "%%")) for word in words) + " '[%h]:%p' bastion"


def _write_credentials(folder: Path, name: str, endpoint: Endpoint) -> None:
    """Writes the key, the program that answers ssh's question for its passphrase, and the pinned host key."""
    if endpoint.private_key:
        _write(folder / f"{name}.key", endpoint.private_key.strip().replace("\r\n", "\n") + "\n")
    if endpoint.host_key:
        _write(folder / f"{name}.hosts", f"{name} {endpoint.host_key}\n")
    if endpoint.private_key_password:
        _write(folder / f"{name}.passphrase", endpoint.private_key_password + "\n")
        _write(folder / f"{name}.askpass", '#!/bin/sh\nexec cat "${0%.askpass}.passphrase"\n', mode=0o700)


def _askpass(folder: Path, name: str) -> dict[str, str]:
    return {"SSH_ASKPASS": str(folder / f"{name}.askpass"), "SSH_ASKPASS_REQUIRE": "force"}


def _write(path: Path, content: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(content)


def _program() -> str:
    found = shutil.which("ssh")
    if found is None:
        raise ProviderError("ssh is not on the PATH; install the package openssh-client")
    return found
