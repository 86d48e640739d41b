"""Docker's socket with somebody before it who, when told so, answers in its place: with an error, with nothing, or not at all."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from pathlib import Path

_ERROR = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 28\r\nConnection: close\r\n\r\n"
)
_ERROR += b'{"message":"out of service"}'


class Fault(enum.Enum):
    """What a request meets."""

    NONE = "Docker"
    ERROR = "an answer with status 500"
    CLOSED = "the end of the connection"
    SILENCE = "no answer at all"


class FaultyDocker:
    """A socket at `path` that leads to the engine's `target`, or to a fault. `refused` counts what met one."""

    def __init__(self, path: Path, target: Path) -> None:
        self.host, self._target, self._fault, self.refused = f"unix://{path}", target, Fault.NONE, 0
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def set(self, fault: Fault) -> None:
        """From now on; connections that are open end."""
        self._fault = fault
        self._end_all()

    def close(self) -> None:
        """The end of it."""
        self._listener.close()
        self._end_all()

    def _end_all(self) -> None:
        was, self._open = self._open, []
        for one in was:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self._fault is Fault.NONE:
                self._lead(client)
                return
            if client.recv(65536):
                self.refused += 1
            if self._fault is Fault.ERROR:
                client.sendall(_ERROR)
            while self._fault is Fault.SILENCE and client.recv(65536):
                pass

    def _lead(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(self._target))
            self._open.append(engine)
            back = threading.Thread(target=_pump, args=(engine, client), daemon=True)
            back.start()
            _pump(client, engine)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
