"""Sockets of another network namespace, such as the test engine's: made there, used from here."""

import ctypes
import os
import socket
import threading
from collections.abc import Callable

_CLONE_NEWNET = 0x40000000  # <linux/sched.h>


class Network:
    """The network that a process is in; or that `file` is, where one is named."""

    def __init__(self, pid: int, file: str = "") -> None:
        self.pid, self._file = pid, file or f"/proc/{pid}/ns/net"

    def connect(self, address: str, port: int, timeout_s: float = 10) -> socket.socket:
        """A connection to a TCP port there. Raises OSError."""
        return self._make(lambda: socket.create_connection((address, port), timeout_s))

    def listen(self, address: str, port: int) -> socket.socket:
        """A TCP socket that listens there."""
        return self._make(lambda: socket.create_server((address, port)))

    def _make(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Run in a thread of its own, since a thread that has moved cannot be given back."""
        made: list[socket.socket | OSError] = []

        def moved() -> None:
            handle = os.open(self._file, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                made.append(make())
            except OSError as error:
                made.append(error)
            finally:
                os.close(handle)

        thread = threading.Thread(target=moved)
        thread.start()
        thread.join()
        (result,) = made
        if isinstance(result, OSError):
            raise result
        return result
