"""Values for hypothesis: inputs that a table of fields allows, in the form that Docker gives them back."""

import string
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from standin.docker_codecs import (
    DURATION,
    ENVIRONMENT,
    GENERIC_RESOURCES,
    HOSTS,
    LABELS,
    OPTION_LINES,
    PRESENCE,
    RATIO,
    format_duration,
)
from standin.docker_fields import ApiField, ApiFields, base64_rule, name_rule
from standin.fields import Kind

_WORDS = st.text(string.ascii_letters + string.digits + "-_./", min_size=1, max_size=8)
_KEYS = st.text(string.ascii_letters + "_", min_size=1, max_size=6)
# The last part of a value may be anything; `=` above all.
_VALUES = st.text(min_size=0, max_size=8).filter(lambda text: "\0" not in text)
_DURATIONS = st.integers(min_value=1, max_value=10**15).map(format_duration)


def inputs(fields: ApiFields) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs with some of the optional fields.

    A restart policy has its durations: without them the vendor's plugin, and so the stand-in, sends 0 and then sees a
    change at every run.
    """
    needed = {name for name, field in fields.items() if field.required or (field.codec is DURATION and field.absent == 0)}
    needed -= {name for name, field in fields.items() if field.keeps}
    required = {name: value(fields[name]) for name in sorted(needed)}
    optional = {name: value(field) for name, field in fields.items() if name not in needed and _is_free(field)}
    return st.fixed_dictionaries(required, optional=optional)


def _is_free(field: ApiField) -> bool:
    """Whether there is any value for it: a network's name is always refused."""
    return field.rule is None or field.rule.__name__ != "_network_name_rule"


def value(field: ApiField) -> st.SearchStrategy[Any]:
    """A value that the field allows."""
    if field.codec is not None and (special := _special(field)) is not None:
        return special
    if field.choices:
        return st.sampled_from(field.choices)
    if field.fields is not None:
        return inputs(field.fields)
    if field.kind is Kind.LIST:
        return st.lists(value(field.items) if field.items is not None else _WORDS, min_size=1, max_size=3)
    if field.kind is Kind.MAP:
        return st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=3)
    return _plain(field)


def _plain(field: ApiField) -> st.SearchStrategy[Any]:
    if field.kind is Kind.INTEGER:
        return st.integers(min_value=0, max_value=60000)
    if field.kind is Kind.BOOLEAN:
        return st.booleans()
    if field.rule is base64_rule:
        return st.sampled_from(["aGVsbG8=", "", "AAEC"])
    if field.rule is name_rule:
        return st.text(string.ascii_lowercase, min_size=1, max_size=8)
    return _DURATIONS if field.rule is not None else _WORDS


def _special(field: ApiField) -> st.SearchStrategy[Any] | None:
    pairs = st.lists(st.tuples(_KEYS, _VALUES), min_size=1, max_size=3, unique_by=lambda pair: pair[0])
    lines = pairs.map(lambda found: [f"{key}={text}" for key, text in found])
    counted = st.lists(st.tuples(_KEYS, st.integers(0, 9)), max_size=2, unique_by=lambda pair: pair[0])
    known: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (LABELS, pairs.map(lambda found: [{"label": key, "value": text} for key, text in found])),
        (ENVIRONMENT, st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=3)),
        (HOSTS, st.lists(st.fixed_dictionaries({"ip": st.ip_addresses().map(str), "host": _WORDS}), min_size=1, max_size=2)),
        (OPTION_LINES, lines),
        (RATIO, st.sampled_from(["0.0", "0.3", "1.0"])),
        (PRESENCE, st.booleans()),
        (GENERIC_RESOURCES, st.builds(_generic, lines, counted)),
    ]
    return next((strategy for codec, strategy in known if codec is field.codec), None)


def _generic(named: list[str], counted: list[tuple[str, int]]) -> Mapping[str, list[str]]:
    return {"namedResourcesSpecs": named, "discreteResourcesSpecs": [f"{kind}={number}" for kind, number in counted]}
