"""How a field of this plugin is described: its rules for the user and its place in the Docker API, in one table.

One table for both ways keeps them the same: what `expand` sends is what `flatten` reads back (docker_mapping.py).
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from standin.docker_codecs import DURATION, ENVIRONMENT, LABELS, Codec, parse_duration
from standin.errors import InvalidInput
from standin.fields import Field, Kind
from standin.values import Path, Unknown, format_path

Rule: TypeAlias = Callable[[Any], str | None]
"""What is wrong with a value, or None."""


@dataclass(frozen=True, kw_only=True)
class ApiField(Field):
    """A field with its place in the API.

    `api` is the dotted place inside the API's object, "" for what the API does not have (`convergeConfig`).
    `keeps`: a field left out stays what it is, so no difference is seen in it. `unordered`: a list whose order means
    nothing. `absent`: what the API gets where the field is left out (None: nothing). `shown` is false for what the
    API takes but never shows (a secret's data): the state keeps what was given.
    """

    api: str = ""
    codec: Codec | None = None
    keeps: bool = False
    unordered: bool = False
    absent: Any = None
    shown: bool = True
    rule: Rule | None = None
    items: "ApiField | None" = None
    fields: "ApiFields | None" = None


ApiFields: TypeAlias = Mapping[str, ApiField]


def _duration_rule(value: Any) -> str | None:
    if value == "":
        return "must be a duration such as 500ms, 10s or 1m30s, not an empty text"
    try:
        parse_duration(value)
    except ValueError as error:
        return f"{error}; it must not be negative"
    return None


def _count_rule(value: Any) -> str | None:
    return None if value >= 0 else f"must be 0 or more, not {value}"


def _port_rule(value: Any) -> str | None:
    return None if 0 <= value <= 65535 else f"must be a port number from 0 to 65535, not {value}"


def ratio_rule(value: Any) -> str | None:
    """The rule of a share of failures, a text in Docker's plugin."""
    try:
        inside = 0 <= float(value) <= 1
    except ValueError:
        inside = False
    return None if inside else f"must be a text with a number from 0.0 to 1.0, not {value!r}"


def base64_rule(value: Any) -> str | None:
    """The rule of a config's or secret's data. The message leaves the value out: it may be secret."""
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "must be base64 (the standard alphabet with padding)"
    return None


def name_rule(value: Any) -> str | None:
    """The rule of every object's name in Docker."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", value):
        return None
    return f"must start with a letter or digit, then letters, digits, `_`, `.` and `-`, 255 at most; not {value!r}"


def check_rules(fields: ApiFields, values: Mapping[str, Any], path: Path = ()) -> None:
    """Applies every field's rule to its value. Kinds are checked already. Raises InvalidInput."""
    for name, field in fields.items():
        if (value := values.get(name)) is not None:
            _check_rule(field, value, (*path, name))


def _check_rule(field: ApiField, value: Any, path: Path) -> None:
    if isinstance(value, Unknown):
        return
    if field.rule is not None and (wrong := field.rule(value)) is not None:
        raise InvalidInput(format_path(path), wrong)
    if field.fields is not None:
        check_rules(field.fields, value, path)
    elif field.items is not None and isinstance(value, list):
        for index, item in enumerate(value):
            _check_rule(field.items, item, (*path, index))


TEXT: Final = ApiField(kind=Kind.TEXT)


def text(api: str, **settings: Any) -> ApiField:
    """A text field."""
    return ApiField(kind=Kind.TEXT, api=api, **settings)


def duration(api: str, codec: Codec = DURATION, **settings: Any) -> ApiField:
    """A text such as `10s`, nanoseconds in the API."""
    return ApiField(kind=Kind.TEXT, api=api, codec=codec, rule=_duration_rule, **settings)


def count(api: str, **settings: Any) -> ApiField:
    """A whole number that is not negative."""
    return ApiField(kind=Kind.INTEGER, api=api, rule=_count_rule, **settings)


def port(api: str, **settings: Any) -> ApiField:
    """A port number; 0 lets the swarm choose."""
    return ApiField(kind=Kind.INTEGER, api=api, rule=_port_rule, **settings)


def flag(api: str, **settings: Any) -> ApiField:
    """A boolean field."""
    return ApiField(kind=Kind.BOOLEAN, api=api, **settings)


def texts(api: str, **settings: Any) -> ApiField:
    """A list of texts."""
    return ApiField(kind=Kind.LIST, items=TEXT, api=api, **settings)


def mapping(api: str, **settings: Any) -> ApiField:
    """A map of texts."""
    return ApiField(kind=Kind.MAP, items=TEXT, api=api, **settings)


def environment(api: str, **settings: Any) -> ApiField:
    """A map of texts that is a list of `KEY=value` in the API."""
    return ApiField(kind=Kind.MAP, items=TEXT, api=api, codec=ENVIRONMENT, **settings)


def block(api: str, fields: ApiFields, **settings: Any) -> ApiField:
    """An object."""
    return ApiField(kind=Kind.OBJECT, api=api, fields=fields, **settings)


def blocks(api: str, fields: ApiFields, **settings: Any) -> ApiField:
    """A list of objects."""
    return ApiField(kind=Kind.LIST, api=api, items=ApiField(kind=Kind.OBJECT, fields=fields), **settings)


def labels(api: str = "Labels", **settings: Any) -> ApiField:
    """Labels: a list of pairs in the program, a map in the API."""
    pair = {"label": text("", required=True), "value": text("", required=True)}
    return blocks(api, pair, codec=LABELS, unordered=True, **settings)
