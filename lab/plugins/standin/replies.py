"""The protocol's answers made from a resource type's plain ones, and errors made into gRPC status."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from standin.context import Redactor
from standin.diffs import Change, ChangeKind, Diff
from standin.errors import InvalidInput, PartialFailure
from standin.fields import Field, Kind
from standin.values import Path, Properties, format_path
from standin.wire import decode, encode

_KINDS = {
    (ChangeKind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (ChangeKind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (ChangeKind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (ChangeKind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (ChangeKind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (ChangeKind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def diff_reply(diff: Diff, ignored: Iterable[str] = ()) -> provider_pb2.DiffResponse:
    """The engine's form of a diff, without the changes at or below an ignored path (`ignoreChanges`)."""
    ignored = tuple(ignored)
    changes = [change for change in diff.changes if not _is_ignored(change, ignored)]
    if not changes:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    detailed = {
        format_path(change.path): provider_pb2.PropertyDiff(
            kind=_KINDS[change.kind, change.replaces], inputDiff=change.input_diff
        )
        for change in changes
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME,
        diffs=_top_names(changes),
        replaces=_top_names(change for change in changes if change.replaces),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=diff.delete_before_replace,
    )


def _top_names(changes: Iterable[Change]) -> list[str]:
    return sorted({str(change.path[0]) for change in changes if change.path})


def _is_ignored(change: Change, ignored: tuple[str, ...]) -> bool:
    prefixes = {format_path(change.path[:length]) for length in range(1, len(change.path) + 1)}
    return any(path in prefixes for path in ignored)


def failed_check(error: InvalidInput) -> provider_pb2.CheckResponse:
    """A refused input; the engine shows it beside the resource."""
    return provider_pb2.CheckResponse(failures=[provider_pb2.CheckFailure(property=error.path, reason=error.reason)])


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, text: str) -> NoReturn:
    """Ends the call with an error that the engine shows as it is."""
    context.abort(code, text)
    raise AssertionError("abort returned")


def abort_partial(
    context: grpc.ServicerContext, error: PartialFailure, redact: Redactor, secrets: Iterable[Path], inputs: Properties
) -> NoReturn:
    """Ends a create or update whose resource exists: the engine records it together with the error."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=encode(error.outputs, secrets),
        reasons=[redact(reason) for reason in error.reasons],
        inputs=encode(inputs, secrets),
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    text = redact(str(error))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    abort(context, grpc.StatusCode.UNKNOWN, text)


def parsed_config(fields: dict[str, Field], values: Properties) -> Properties:
    """Provider configuration with its JSON texts read: SDKs send every value but a text as JSON in a text.

    Raises InvalidInput.
    """
    parsed = {}
    for name, value in values.items():
        field = fields.get(name)
        if field is not None and field.kind is not Kind.TEXT and isinstance(value, str):
            value = _from_json(name, value)
        parsed[name] = value
    return parsed


def _from_json(name: str, text: str) -> Any:
    try:
        struct = struct_pb2.Struct()
        struct.update({"value": json.loads(text)})
    except ValueError as error:
        raise InvalidInput(name, f"must be JSON ({error.__class__.__name__} while reading it)") from None
    return decode(struct).values.get("value")
