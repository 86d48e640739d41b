"""The way back to the engine: messages that the user sees, and the engine's end as the plugin's end."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from standin.context import Message

# The engine sends whole states; gRPC's own limit of 4 MiB would be too small.
CHANNEL_OPTIONS: Final = (("grpc.max_receive_message_length", 400 * 1024 * 1024),)
_SEND_SECONDS: Final = 10.0
_PARENT_CHECK_SECONDS: Final = 2.0


class Engine:
    """Sends messages to the engine; before the engine's address is known they go to stderr."""

    def __init__(self) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._lock = threading.Lock()

    def connect(self, address: str) -> None:
        """Uses the engine at `address` (host:port) from now on. A second call with an address changes nothing."""
        with self._lock:
            if self._stub is None and address:
                channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
                self._stub = engine_pb2_grpc.EngineStub(channel)

    @property
    def connected(self) -> bool:
        """Whether the engine's address is known."""
        return self._stub is not None

    def send(self, message: Message) -> None:
        """Delivers one message; one that cannot be delivered goes to stderr instead of failing the operation."""
        if self._stub is None:
            sys.stderr.write(message.text + "\n")
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.ValueType(message.severity.value),
            message=message.text,
            urn=message.urn,
            ephemeral=message.ephemeral,
        )
        try:
            self._stub.Log(request, timeout=_SEND_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(message.text + "\n")


def when_parent_ends(end: Callable[[], None]) -> None:
    """Calls `end` once the process that started this one is gone: a killed engine must not leave plugins behind."""
    parent = os.getppid()

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_PARENT_CHECK_SECONDS)
        end()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
