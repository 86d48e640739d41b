"""From a program's values to the Docker API's objects and back, by the tables of fields."""

from collections.abc import Mapping
from typing import Any, Final

from standin.docker_fields import ApiField, ApiFields
from standin.fields import Kind
from standin.values import Properties

_ZEROS: Final[Mapping[Kind, Any]] = {Kind.TEXT: "", Kind.INTEGER: 0, Kind.BOOLEAN: False}


def expand(fields: ApiFields, values: Mapping[str, Any]) -> dict[str, Any]:
    """The API's object. A field left out is sent only where the table says what for it."""
    sent: dict[str, Any] = {}
    for name, field in fields.items():
        if not field.api:
            continue
        value = values.get(name)
        encoded = field.absent if value is None else _encode(field, value)
        if encoded is not None:
            _put(sent, field.api, encoded)
    return sent


def _encode(field: ApiField, value: Any) -> Any:
    if field.codec is not None:
        return field.codec.to_api(value)
    if field.kind is Kind.OBJECT and field.fields is not None:
        return expand(field.fields, value)
    if field.items is not None and field.items.fields is not None:
        return [expand(field.items.fields, item) for item in value]
    return value


def _put(target: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = place.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value


def flatten(fields: ApiFields, found: Mapping[str, Any]) -> Properties:
    """The state of an object that the API shows.

    What the API leaves out because it is empty is there as the empty value; an object that is not there stays out.
    Fields that the API does not show are left out too: `docker_state.completed` adds them.
    """
    state: Properties = {}
    for name, field in fields.items():
        if not field.api or not field.shown:
            continue
        value = _decode(field, _get(found, field.api))
        if value is not None:
            state[name] = value
    return state


def _decode(field: ApiField, value: Any) -> Any:
    if field.codec is not None:
        return field.codec.from_api(value)
    if field.kind is Kind.OBJECT and field.fields is not None:
        return None if value is None else flatten(field.fields, value)
    if field.items is not None and field.items.fields is not None:
        return [flatten(field.items.fields, item) for item in value or ()]
    if field.kind is Kind.LIST:
        return list(value or ())
    if field.kind is Kind.MAP:
        return dict(value or {})
    return _ZEROS[field.kind] if value is None else value


def _get(source: Mapping[str, Any], place: str) -> Any:
    value: Any = source
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
