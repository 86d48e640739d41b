"""The stand-ins' field names against the vendor's Python SDK: a name that the SDK does not have can only be a mistake."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi_command import local, remote
from standin.command import RESOURCE_TYPES
from standin.command_fields import CONNECTION, PROXY
from standin.fields import Field

# Inputs of the vendor's plugin that this project does not use; the stand-in refuses them.
NOT_SUPPORTED = {
    "command:local:Command": {"assetPaths", "archivePaths"},
    "command:remote:Command": set[str](),
    "command:remote:CopyToRemote": set[str](),
}
SDK_TYPES: Mapping[str, Any] = {
    "command:local:Command": local.Command,
    "command:remote:Command": remote.Command,
    "command:remote:CopyToRemote": remote.CopyToRemote,
}
OPTIONS = {"resource_name", "opts", "__props__", "__self__"}
COMMAND_TYPES = {kind.token: kind for kind in RESOURCE_TYPES}


def camel(name: str) -> str:
    """The SDK's Python name as the protocol spells it."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def sdk_inputs(resource: Any) -> set[str]:
    """The inputs of an SDK resource class or of an `...Args` class."""
    function = getattr(resource, "_internal_init", resource.__init__)
    return {camel(name) for name in inspect.signature(function).parameters if name not in OPTIONS}


def test_every_type_of_the_stand_in_is_one_of_the_sdk() -> None:
    assert set(COMMAND_TYPES) == set(SDK_TYPES)


@pytest.mark.parametrize("token", sorted(SDK_TYPES))
def test_the_inputs_are_those_of_the_sdk_but_for_the_named_ones(token: str) -> None:
    known = set(COMMAND_TYPES[token].fields)
    assert known | NOT_SUPPORTED[token] == sdk_inputs(SDK_TYPES[token])
    assert not known & NOT_SUPPORTED[token]


@pytest.mark.parametrize(("field", "args"), [(CONNECTION, remote.ConnectionArgs), (PROXY, remote.ProxyConnectionArgs)])
def test_the_fields_of_a_connection_are_those_of_the_sdk(field: Field, args: Any) -> None:
    assert set(field.fields or {}) == sdk_inputs(args)


def test_the_choices_of_logging_are_those_of_the_sdk() -> None:
    for token, sdk in (("command:remote:Command", remote), ("command:local:Command", local)):
        assert set(COMMAND_TYPES[token].fields["logging"].choices) == {choice.value for choice in sdk.Logging}
