"""The few file operations that copying needs, by the SFTP protocol (version 3) over the system's ssh client.

The vendor's plugin copies by SFTP too, so both need the same of a host, and both leave modes to the host's umask.
https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02
"""

import stat
import struct
from enum import IntEnum
from pathlib import PurePosixPath
from typing import IO, Final

from standin.errors import ProviderError


class _Packet(IntEnum):
    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    WRITE = 6
    MKDIR = 14
    STAT = 17
    STATUS = 101
    HANDLE = 102
    ATTRS = 105


_VERSION: Final = 3
_OK: Final = 0
_NO_SUCH_FILE: Final = 2
_WRITE_CREATE_TRUNCATE: Final = 0x02 | 0x08 | 0x10
_HAS_SIZE: Final = 0x01
_HAS_OWNER: Final = 0x02
_HAS_MODE: Final = 0x04
# Every server takes 32 KiB of data in one packet.
_CHUNK: Final = 32768
_LONGEST_REPLY: Final = 1 << 20


class ClosedError(ProviderError):
    """The server's side of the connection ended."""


class Sftp:
    """One session. Every method raises ProviderError with the server's own words."""

    def __init__(self, to_server: IO[bytes], from_server: IO[bytes]) -> None:
        """Says hello; raises ClosedError when nobody answers."""
        self._to, self._from = to_server, from_server
        self._request = 0
        self._send(_Packet.INIT, struct.pack(">I", _VERSION))
        kind, _ = self._receive()
        if kind != _Packet.VERSION:
            raise ProviderError(f"sftp: the server answered hello with packet {kind}")

    def is_folder(self, path: str) -> bool | None:
        """Whether `path` is a folder; None when nothing is there."""
        kind, body = self._ask(_Packet.STAT, _text(path))
        if kind == _Packet.STATUS:
            if _status(body)[0] == _NO_SUCH_FILE:
                return None
            raise self._error(f"failed to stat remote path {path}", body)
        return stat.S_ISDIR(_mode(body))

    def make_folder(self, path: str) -> None:
        """Makes one folder in an existing one."""
        self._expect_ok(f"failed to create remote directory {path}", *self._ask(_Packet.MKDIR, _text(path) + bytes(4)))

    def make_folders(self, path: str) -> None:
        """Makes a folder and every missing one above it."""
        missing = []
        current = PurePosixPath(path)
        while (found := self.is_folder(str(current))) is None and current != current.parent:
            missing.append(current)
            current = current.parent
        if found is False:
            raise ProviderError(f"failed to create remote directory {path}: {current} is not a directory")
        for folder in reversed(missing):
            self.make_folder(str(folder))

    def write_file(self, path: str, content: IO[bytes]) -> None:
        """Writes a file, over an existing one when there is one."""
        what = f"failed to create remote file {path}"
        kind, body = self._ask(_Packet.OPEN, _text(path) + struct.pack(">II", _WRITE_CREATE_TRUNCATE, 0))
        if kind != _Packet.HANDLE:
            raise self._error(what, body)
        (length,) = struct.unpack_from(">I", body)
        handle = body[: 4 + length]
        offset = 0
        while part := content.read(_CHUNK):
            request = handle + struct.pack(">QI", offset, len(part)) + part
            self._expect_ok(f"failed to write to remote path {path}", *self._ask(_Packet.WRITE, request))
            offset += len(part)
        self._expect_ok(f"failed to close remote file {path}", *self._ask(_Packet.CLOSE, handle))

    def _ask(self, kind: _Packet, body: bytes) -> tuple[int, bytes]:
        self._request += 1
        self._send(kind, struct.pack(">I", self._request) + body)
        answer, reply = self._receive()
        (number,) = struct.unpack_from(">I", reply)
        if number != self._request:
            raise ProviderError(f"sftp: the server answered request {number} instead of {self._request}")
        return answer, reply[4:]

    def _send(self, kind: _Packet, body: bytes) -> None:
        try:
            self._to.write(struct.pack(">IB", len(body) + 1, kind) + body)
            self._to.flush()
        except (BrokenPipeError, ValueError):
            raise ClosedError("sftp: the connection was closed") from None

    def _receive(self) -> tuple[int, bytes]:
        length, kind = struct.unpack(">IB", self._read(5))
        if not 1 <= length <= _LONGEST_REPLY:
            raise ProviderError("sftp: the host's login shell prints text before the server answers")
        return kind, self._read(length - 1)

    def _read(self, count: int) -> bytes:
        read = self._from.read(count)
        if len(read) < count:
            raise ClosedError("sftp: the connection was closed")
        return read

    def _expect_ok(self, what: str, kind: int, body: bytes) -> None:
        if kind != _Packet.STATUS or _status(body)[0] != _OK:
            raise self._error(what, body)

    @staticmethod
    def _error(what: str, body: bytes) -> ProviderError:
        return ProviderError(f"{what}: {_status(body)[1]}")


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">I", len(raw)) + raw


def _status(body: bytes) -> tuple[int, str]:
    code, length = struct.unpack_from(">II", body)
    return code, body[8 : 8 + length].decode(errors="replace")


def _mode(attributes: bytes) -> int:
    (flags,) = struct.unpack_from(">I", attributes)
    if not flags & _HAS_MODE:
        raise ProviderError("sftp: the server says no file modes")
    offset = 4 + (8 if flags & _HAS_SIZE else 0) + (8 if flags & _HAS_OWNER else 0)
    return int(struct.unpack_from(">I", attributes, offset)[0])
