"""An engine's side of the provider protocol, to talk to a provider in this process without Pulumi."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from standin.calls import Provider
from standin.engine import Engine
from standin.provider import ConfigType, ResourceType
from standin.server import start
from standin.servicer import Servicer
from standin.values import Path
from standin.wire import encode

STACK_URN = "urn:pulumi:dev::unit::"


class RecordedEngine(engine_pb2_grpc.EngineServicer):
    """Keeps every message that a provider sends."""

    def __init__(self) -> None:
        self.messages: list[engine_pb2.LogRequest] = []

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        self.messages.append(request)
        return empty_pb2.Empty()


class Caller:
    """Calls a running provider as the engine does."""

    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub, engine: RecordedEngine) -> None:
        self.stub = stub
        self.engine = engine

    def check(self, token: str, news: Mapping[str, Any], secrets: Sequence[Path] = ()) -> provider_pb2.CheckResponse:
        """Check of a new resource."""
        request = provider_pb2.CheckRequest(urn=urn(token), type=token, news=encode(news, secrets))
        answer: provider_pb2.CheckResponse = self.stub.Check(request)
        return answer

    def diff(
        self,
        token: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        secrets: Sequence[Path] = (),
        ignored: Sequence[str] = (),
    ) -> provider_pb2.DiffResponse:
        """Diff of inputs against inputs."""
        answer: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(
                id="1",
                urn=urn(token),
                type=token,
                olds=encode(old, secrets),
                old_inputs=encode(old, secrets),
                news=encode(new, secrets),
                ignoreChanges=ignored,
            )
        )
        return answer

    def create(
        self, token: str, inputs: Mapping[str, Any], secrets: Sequence[Path] = (), *, preview: bool = False, timeout: float = 0
    ) -> provider_pb2.CreateResponse:
        """Create, or its preview."""
        answer: provider_pb2.CreateResponse = self.stub.Create(
            provider_pb2.CreateRequest(
                urn=urn(token), type=token, properties=encode(inputs, secrets), preview=preview, timeout=timeout
            )
        )
        return answer


def urn(token: str) -> str:
    """A resource of that type, named `it`."""
    return f"{STACK_URN}{token}::it"


@contextmanager
def running(config_type: ConfigType[Any], types: Sequence[ResourceType[Any]]) -> Iterator[Caller]:
    """A provider that has shaken hands with a recorded engine."""
    recorded = RecordedEngine()
    engine_server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    engine_pb2_grpc.add_EngineServicer_to_server(recorded, engine_server)
    engine_port = engine_server.add_insecure_port("127.0.0.1:0")
    engine_server.start()
    provider = Provider("toy", "1.0.0", config_type, {kind.token: kind for kind in types})
    server, port = start(Servicer(provider, Engine()))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address=f"127.0.0.1:{engine_port}"))
        yield Caller(stub, recorded)
    server.stop(grace=None).wait()
    engine_server.stop(grace=None).wait()
