"""The gRPC side of a stand-in: runs a provider for the engine that started this process."""

import signal
import sys
import threading
from collections.abc import Sequence
from concurrent import futures
from typing import Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from standin.calls import Provider
from standin.context import ConfigT
from standin.engine import CHANNEL_OPTIONS, Engine, when_parent_ends
from standin.provider import ConfigType, ResourceType
from standin.servicer import Servicer

# More than the engine runs at once by default, so that a slow resource never keeps another waiting.
_THREADS: Final = 128
_GRACE_SECONDS: Final = 5.0


def serve(name: str, version: str, config_type: ConfigType[ConfigT], resource_types: Sequence[ResourceType[ConfigT]]) -> None:
    """Serves until the engine stops this process.

    Prints the port to stdout, as the engine expects; the engine's address is the last argument, when it gives one.
    `version` is the vendor's version whose inputs and outputs are stood in for.
    """
    engine = Engine()
    engine.connect(sys.argv[-1] if len(sys.argv) > 1 and ":" in sys.argv[-1] else "")
    provider = Provider(name, version, config_type, {kind.token: kind for kind in resource_types})
    servicer = Servicer(provider, engine)
    server, port = start(servicer)
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    when_parent_ends(ended.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()
    # Operations that still run see this, and clean up behind themselves.
    servicer.cancel()
    server.stop(grace=_GRACE_SECONDS).wait()


def start(servicer: provider_pb2_grpc.ResourceProviderServicer) -> tuple[grpc.Server, int]:
    """A running server on a free loopback port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
