"""The docker stand-in's field names against the vendor's Python SDK, down to the last nested object."""

import importlib.metadata
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pulumi_docker
import pytest
from standin.docker import RESOURCE_TYPES, VERSION
from standin.docker_fields import ApiField, ApiFields

# Inputs of the vendor's plugin that this project does not use; the stand-in refuses them.
NOT_SUPPORTED = {
    "Network": {"ingress", "ipamOptions", "ipv6"},
    "Network.ipamConfigs": {"auxAddress"},
    "Volume": {"cluster"},
    "ServiceConfig": {"dataRaw"},
    "Service": {"auth"},
    "Service.taskSpec.containerSpec": {"privileges"},
}
OPTIONS = {"resource_name", "opts", "__props__", "__self__"}
TABLES = {kind.token.rsplit(":", 1)[-1]: kind.table for kind in RESOURCE_TYPES}


def camel(name: str) -> str:
    """The SDK's Python name as the protocol spells it; Python's own words have a `_` at their end."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name.removesuffix("_"))


def parameters(sdk_class: Any) -> dict[str, inspect.Parameter]:
    """The inputs of an SDK resource class or of an `...Args` class, by the protocol's names."""
    function = getattr(sdk_class, "_internal_init", sdk_class.__init__)
    found = inspect.signature(function).parameters
    return {camel(name): parameter for name, parameter in found.items() if name not in OPTIONS}


def nested_class(parameter: inspect.Parameter) -> Any:
    """The `...Args` class of an object input, or None."""
    found = re.search(r"(\w+Args)'", str(parameter.annotation))
    return getattr(pulumi_docker, found[1]) if found else None


def pairs(path: str, fields: ApiFields, sdk_class: Any) -> Iterator[tuple[str, ApiFields, Any]]:
    """Every table of fields with the class of the SDK that it stands for."""
    yield path, fields, sdk_class
    given = parameters(sdk_class)
    for name, field in fields.items():
        inner = parts(field)
        if inner is not None and name in given:
            yield from pairs(f"{path}.{name}", inner, nested_class(given[name]))


def parts(field: ApiField) -> ApiFields | None:
    """The fields of an object or of a list's objects."""
    return field.fields if field.fields is not None else (field.items.fields if field.items is not None else None)


ALL = [pair for name, table in TABLES.items() for pair in pairs(name, table, getattr(pulumi_docker, name))]


@pytest.mark.parametrize(("path", "fields", "sdk_class"), ALL, ids=[path for path, _, _ in ALL])
def test_the_fields_are_those_of_the_sdk_but_for_the_named_ones(path: str, fields: ApiFields, sdk_class: Any) -> None:
    assert sdk_class is not None, "the SDK has no object there"
    unknown = NOT_SUPPORTED.get(path, set())
    assert set(fields) | unknown == set(parameters(sdk_class))
    assert not set(fields) & unknown


@pytest.mark.parametrize(("path", "fields", "sdk_class"), ALL, ids=[path for path, _, _ in ALL])
def test_what_the_sdk_requires_is_required(path: str, fields: ApiFields, sdk_class: Any) -> None:
    is_resource = "." not in path
    for name, parameter in parameters(sdk_class).items():
        if name in fields and not is_resource:
            assert fields[name].required == (parameter.default is inspect.Parameter.empty), name


def test_every_refusal_named_here_is_of_an_input_that_the_sdk_has() -> None:
    known = {path: set(parameters(sdk_class)) for path, _, sdk_class in ALL}
    for path, names in NOT_SUPPORTED.items():
        assert names <= known[path]


def test_the_version_is_the_sdks() -> None:
    assert importlib.metadata.version("pulumi-docker") == VERSION
