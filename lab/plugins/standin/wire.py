"""The protocol's structs to plain Python values and back, with secrecy beside the values as a set of paths."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from standin.values import UNKNOWN, Archive, Asset, Path, Properties, Unknown, format_path

# The protocol marks special objects by this key; the values below say which kind it is.
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, not a secret
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# One text for each type the value will have: text, boolean, number, list, asset, archive, object.
_UNKNOWN_TEXTS: Final = frozenset(
    {
        _UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# Notes that the engine or another plugin leaves inside inputs and outputs; they are no properties of the resource.
INTERNAL_KEYS: Final = frozenset(
    {"__defaults", "__internal", "__meta", "__pulumi_raw_state_delta", "__pulumi-go-provider-version"}
)


@dataclass(frozen=True)
class Decoded:
    """Plain values and the paths among them that are secret."""

    values: Properties
    secrets: frozenset[Path]


def decode(struct: struct_pb2.Struct) -> Decoded:
    """Plain Python values of a protocol struct. Null means absent; internal notes are left out."""
    secrets: set[Path] = set()
    values = _fields(struct.fields, (), secrets)
    return Decoded(values, frozenset(secrets))


def decode_value(value: struct_pb2.Value) -> Any:
    """The same for a single value, without its secrecy."""
    return _value(value, (), set())


def _fields(fields: Mapping[str, struct_pb2.Value], path: Path, secrets: set[Path]) -> Properties:
    found = {}
    for key in sorted(fields):
        if key in INTERNAL_KEYS:
            continue
        value = _value(fields[key], (*path, key), secrets)
        if value is not None:
            found[key] = value
    return found


def _value(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
    if kind == "list_value":
        return [_value(item, (*path, index), secrets) for index, item in enumerate(value.list_value.values)]
    if kind == "struct_value":
        return _object(value.struct_value.fields, path, secrets)
    return None


def _object(fields: Mapping[str, struct_pb2.Value], path: Path, secrets: set[Path]) -> Any:
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature == _SECRET:
        secrets.add(path)
        return _value(fields["value"], path, secrets)
    if signature == _OUTPUT:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.add(path)
        return _value(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    plain = _fields({key: value for key, value in fields.items() if key != SIGNATURE}, path, secrets)
    if signature == _ASSET:
        return Asset(text=plain.get("text"), path=plain.get("path"), uri=plain.get("uri"), hash=plain.get("hash", ""))
    if signature == _ARCHIVE:
        return Archive(path=plain.get("path"), uri=plain.get("uri"), assets=plain.get("assets"), hash=plain.get("hash", ""))
    if signature == _RESOURCE:
        return plain.get("id", plain.get("urn"))
    if signature:
        raise ValueError(f"{format_path(path)}: a value of the unknown protocol kind {signature}")
    return plain


def encode(values: Mapping[str, Any], secrets: Iterable[Path] = ()) -> struct_pb2.Struct:
    """The protocol's struct, with every path of `secrets` wrapped as secret. None and absent are the same."""
    return struct_pb2.Struct(fields=_encoded_fields(values, (), frozenset(secrets)))


def _encoded_fields(values: Mapping[str, Any], path: Path, secrets: frozenset[Path]) -> dict[str, struct_pb2.Value]:
    return {key: _encoded(value, (*path, key), secrets) for key, value in values.items() if value is not None}


def _encoded(value: Any, path: Path, secrets: frozenset[Path]) -> struct_pb2.Value:
    plain = _encoded_plain(value, path, secrets)
    if path not in secrets:
        return plain
    return _special(_SECRET, {"value": plain})


def _encoded_plain(value: Any, path: Path, secrets: frozenset[Path]) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_TEXT)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, list | tuple):
        items = [_encoded(item, (*path, index), secrets) for index, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=_encoded_fields(value, path, secrets)))
    if isinstance(value, Asset | Archive):
        kind = _ASSET if isinstance(value, Asset) else _ARCHIVE
        parts = {key: part for key, part in vars(value).items() if part not in (None, "") or key == "text"}
        return _special(kind, _encoded_fields(parts, path, secrets))
    raise TypeError(f"{format_path(path)}: a {type(value).__name__} cannot be a property value")


def _special(signature: str, fields: dict[str, struct_pb2.Value]) -> struct_pb2.Value:
    marked = {SIGNATURE: struct_pb2.Value(string_value=signature), **fields}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=marked))
