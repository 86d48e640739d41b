"""What every call needs: the type it is about, redaction, secrets kept, and errors as gRPC status."""

import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from standin import secrecy
from standin.context import ConfigT, Context, Redactor
from standin.engine import Engine
from standin.errors import PartialFailure, ProviderError
from standin.provider import ConfigType, ResourceType
from standin.replies import abort, abort_partial
from standin.values import Path, Properties
from standin.wire import Decoded, encode


@dataclass(frozen=True)
class Provider(Generic[ConfigT]):
    """What is served: the vendor's name and version, the configuration, the types by token."""

    name: str
    version: str
    config_type: ConfigType[ConfigT]
    resource_types: Mapping[str, ResourceType[ConfigT]]


@dataclass
class Call(Generic[ConfigT]):
    """One call on a resource: its type, its context, what to end it with, and what is secret."""

    kind: ResourceType[ConfigT]
    context: Context[ConfigT]
    grpc: grpc.ServicerContext
    given: Decoded

    def encoded(self, values: Properties, *older: Decoded) -> struct_pb2.Struct:
        return encode(values, self.secrets(values, *older))

    def secrets(self, values: Properties, *older: Decoded) -> frozenset[Path]:
        groups = [secrecy.carried(source.values, source.secrets, values) for source in (self.given, *older)]
        outputs = {(name,) for name in self.kind.secret_outputs if name in values}
        return secrecy.merged(*groups, secrecy.declared(self.kind.fields, values), outputs)


class CallingServicer(provider_pb2_grpc.ResourceProviderServicer, Generic[ConfigT]):
    """Threads: any call at any time; the only state is the configuration and cancellation."""

    def __init__(self, provider: Provider[ConfigT], engine: Engine) -> None:
        self._provider = provider
        self._engine = engine
        self._config: ConfigT | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Makes every running and later operation stop as soon as it can."""
        self._cancelled.set()

    @contextmanager
    def _call(
        self,
        urn: str,
        token: str,
        context: grpc.ServicerContext,
        given: Decoded,
        timeout: float = 0,
        older: Iterable[Decoded] = (),
    ) -> Iterator[Call[ConfigT]]:
        """The call's surroundings: the type or a clear error, redaction, and every exception as gRPC status."""
        token = token or urn.split("::")[2].rsplit("$", 1)[-1]
        kind = self._provider.resource_types.get(token)
        if kind is None:
            abort(context, grpc.StatusCode.UNIMPLEMENTED, self._lacks("resource type", token))
        redact = Redactor(text for part in (given, *older) for text in kind.redactions(part.values, part.secrets))
        operation = Context(urn, token, self._config, self._engine.send, self._cancelled, redact, timeout, given.secrets)
        call = Call(kind, operation, context, given)
        try:
            yield call
        except PartialFailure as error:
            abort_partial(context, error, redact, call.secrets(error.outputs, *older), given.values)
        except ProviderError as error:
            abort(context, grpc.StatusCode.UNKNOWN, redact(str(error)))
        except Exception as error:
            _write_trace(redact)
            text = redact(f"{token}: internal error of the stand-in plugin: {type(error).__name__}: {error}")
            abort(context, grpc.StatusCode.INTERNAL, text)

    def _lacks(self, what: str, token: str) -> str:
        known = ", ".join(sorted(self._provider.resource_types))
        return (
            f"the stand-in {self._provider.name} plugin has no {what} {token!r}; it knows the resource types {known}. "
            "Use the vendor's plugin, or add it to lab/plugins/standin."
        )


def _write_trace(redact: Redactor) -> None:
    sys.stderr.write(redact(traceback.format_exc()))
