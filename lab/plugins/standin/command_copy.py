"""`command:remote:CopyToRemote`: a text, a file or a folder written to another machine."""

# ruff: noqa: ARG002, S105 - the arguments are the base's; a token here is the name of a type

import contextlib
import io
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from standin.command_fields import COPY_TO_REMOTE
from standin.command_types import connection_secrets
from standin.context import Context
from standin.dial import dial, raise_if_not_connected
from standin.endpoint import Connection, refuse_passwords
from standin.errors import InvalidInput, ProviderError
from standin.fields import Field, check_fields
from standin.process import stop
from standin.provider import Created, ResourceType
from standin.sftp import ClosedError, Sftp
from standin.ssh import Client, prepared
from standin.values import Archive, Asset, Properties
from standin.values import Path as PropertyPath


class CopyToRemote(ResourceType[None]):
    """Copies at the start and when the content or the path changes; leaves the copy in place at the end."""

    token: ClassVar[str] = "command:remote:CopyToRemote"
    fields: ClassVar[Mapping[str, Field]] = COPY_TO_REMOTE

    def check(self, context: Context[None], inputs: Properties, old_inputs: Properties) -> Properties:
        """Only sources that are a text or lie on this machine's disk."""
        checked = check_fields(self.token, self.fields, inputs)
        refuse_passwords(checked["connection"])
        source = checked["source"]
        if isinstance(source, Asset) and source.uri is not None:
            raise InvalidInput("asset", "asset must be a path-based file asset or a text asset")
        if isinstance(source, Archive) and source.path is None:
            raise InvalidInput("archive", "archive must be a path to a file or directory")
        return checked

    def create(self, context: Context[None], inputs: Properties) -> Created:
        """Copies."""
        _copy(context, inputs)
        return Created(secrets.token_hex(4), dict(inputs))

    def update(
        self,
        context: Context[None],
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        """Copies again when content or path changed; another connection alone copies nothing."""
        old = old_outputs.get("source")
        if getattr(old, "hash", "") != new_inputs["source"].hash or (old_outputs.get("remotePath") != new_inputs["remotePath"]):
            _copy(context, new_inputs)
        return dict(new_inputs)

    def delete(self, context: Context[None], resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Nothing, as with the vendor."""

    def redactions(self, values: Properties, secrets: frozenset[PropertyPath]) -> list[str]:
        """Keys and passwords; the connection as a whole is secret, but errors must be able to say its host."""
        outside = frozenset(path for path in secrets if path[:1] != ("connection",))
        return super().redactions(values, outside) + connection_secrets(values.get("connection"))


def _copy(context: Context[None], inputs: Properties) -> None:
    source, remote_path = inputs["source"], inputs["remotePath"]
    path = None if source.path is None else Path(source.path)
    if path is not None and not path.exists():
        raise ProviderError(f"source: {source.path} does not exist on this machine")
    with prepared(Connection.from_inputs(inputs["connection"])) as client, _session(context, client) as sftp:
        if path is None:
            _copy_text(sftp, source.text or "", remote_path)
        elif path.is_dir():
            _copy_folder(context, sftp, path, remote_path, into_itself=str(source.path).endswith("/"))
        else:
            _copy_file(sftp, path, remote_path)


def _copy_text(sftp: Sftp, text: str, remote_path: str) -> None:
    if sftp.is_folder(remote_path):
        raise ProviderError(f"remote path {remote_path} is a directory; for a text, remotePath must name a file")
    sftp.make_folders(str(PurePosixPath(remote_path).parent))
    sftp.write_file(remote_path, io.BytesIO(text.encode()))


def _copy_file(sftp: Sftp, source: Path, remote_path: str) -> None:
    """Into an existing folder, over an existing file, or as a new file with its folders."""
    is_folder = sftp.is_folder(remote_path)
    if is_folder:
        remote_path = str(PurePosixPath(remote_path) / source.name)
    elif is_folder is None:
        sftp.make_folders(str(PurePosixPath(remote_path).parent))
    with source.open("rb") as content:
        sftp.write_file(remote_path, content)


def _copy_folder(context: Context[None], sftp: Sftp, source: Path, remote_path: str, into_itself: bool) -> None:
    """`source/` puts its content into `remote_path`, `source` puts itself there."""
    target = PurePosixPath(remote_path)
    if sftp.is_folder(remote_path) is None:
        sftp.make_folders(remote_path)
    if not into_itself:
        target = target / source.name
    for folder, _, files in os.walk(source):
        context.check_cancelled()
        here = target / Path(folder).relative_to(source).as_posix()
        is_folder = sftp.is_folder(str(here))
        if is_folder is False:
            raise ProviderError(f"remote path {here} exists but is not a directory")
        if is_folder is None:
            sftp.make_folder(str(here))
        for name in sorted(files):
            with (Path(folder) / name).open("rb") as content:
                sftp.write_file(str(here / name), content)


@contextmanager
def _session(context: Context[None], client: Client) -> Iterator[Sftp]:
    """An SFTP session, dialled as a command's session is."""
    started: list[subprocess.Popen[bytes]] = []

    def attempt() -> Sftp:
        process = subprocess.Popen(
            client.argv("-s", "target", "sftp"),
            env=client.env({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return _greeted(process, client)

    try:
        yield dial(context, client, attempt)
    finally:
        for process in started:
            _close(process)


def _greeted(process: subprocess.Popen[bytes], client: Client) -> Sftp:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("pipes were asked for")
    try:
        return Sftp(process.stdin, process.stdout)
    except ClosedError:
        process.wait()
        raise_if_not_connected(client)
        raise ProviderError("the host's ssh server has no sftp subsystem") from None


def _close(process: subprocess.Popen[Any]) -> None:
    """Ends the session by closing its input, by force when that is not enough."""
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            if stream is not None:
                stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
    stop(process)
