"""Which inputs a resource type takes, and the check of given values against that.

A field that is not described here fails clearly: a stand-in that silently ignored it would make the program work
differently with the vendor's plugin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from standin.errors import InvalidInput
from standin.values import Archive, Asset, Path, Properties, Unknown, format_path


class Kind(Enum):
    """What a value may be. FILE is an asset or an archive; OBJECT has named fields, MAP has free keys."""

    TEXT = "a text"
    NUMBER = "a number"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    LIST = "a list"
    MAP = "a map"
    OBJECT = "an object"
    FILE = "an asset or archive"
    ANY = "any value"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input. `replaces`: a change makes a new resource. `secret`: always secret in state.

    `items` describes the parts of a LIST or MAP, `fields` those of an OBJECT; `choices` limits a TEXT.
    """

    kind: Kind = Kind.TEXT
    required: bool = False
    replaces: bool = False
    secret: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    items: "Field | None" = None
    fields: "Mapping[str, Field] | None" = None


def check_fields(owner: str, fields: Mapping[str, Field], values: Mapping[str, Any]) -> Properties:
    """The values with defaults added. `owner` is the type token, named in errors.

    Raises InvalidInput for a field that is unknown, missing or of another kind.
    """
    return _object(owner, fields, values, ())


def _object(owner: str, fields: Mapping[str, Field], values: Mapping[str, Any], path: Path) -> Properties:
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InvalidInput(
            format_path((*path, unknown[0])),
            f"the stand-in plugin for {owner} does not know this field (it knows {', '.join(sorted(fields))}); "
            "leave it out, use the vendor's plugin, or add it to lab/plugins/standin",
        )
    checked: Properties = {}
    for name, field in fields.items():
        value = values.get(name)
        if value is None and field.default is not None:
            value = field.default
        if value is None:
            if field.required:
                raise InvalidInput(format_path((*path, name)), f"missing, and {owner} needs it")
            continue
        checked[name] = _value(owner, field, value, (*path, name))
    return checked


def _value(owner: str, field: Field, value: Any, path: Path) -> Any:
    if isinstance(value, Unknown):
        return value
    if not _fits(field.kind, value):
        raise InvalidInput(format_path(path), f"must be {field.kind.value}, not {_describe(value)}")
    if field.choices and value not in field.choices:
        raise InvalidInput(format_path(path), f"must be one of {', '.join(field.choices)}, not {value!r}")
    if field.kind is Kind.OBJECT and field.fields is not None:
        return _object(owner, field.fields, value, path)
    if field.items is not None and isinstance(value, list):
        return [_value(owner, field.items, item, (*path, index)) for index, item in enumerate(value)]
    if field.items is not None and isinstance(value, Mapping):
        return {key: _value(owner, field.items, item, (*path, key)) for key, item in value.items()}
    return value


def _fits(kind: Kind, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        Kind.TEXT: isinstance(value, str),
        Kind.NUMBER: is_number,
        Kind.INTEGER: is_number and float(value).is_integer(),
        Kind.BOOLEAN: isinstance(value, bool),
        Kind.LIST: isinstance(value, list),
        Kind.MAP: isinstance(value, Mapping),
        Kind.OBJECT: isinstance(value, Mapping),
        Kind.FILE: isinstance(value, Asset | Archive),
        Kind.ANY: True,
    }
    return fits[kind]


def _describe(value: Any) -> str:
    """The kind of a wrong value; never the value itself, which may be secret."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a map"}
    return names.get(type(value), "an asset or archive")


def field_at(fields: Mapping[str, Field], path: Path) -> list[Field]:
    """The fields passed on the way to `path`, outermost first."""
    passed: list[Field] = []
    current: Field | None = None
    for part in path:
        if current is None or (current.fields is not None and isinstance(part, str)):
            known = fields if current is None else current.fields or {}
            current = known.get(str(part))
        else:
            current = current.items
        if current is None:
            break
        passed.append(current)
    return passed
