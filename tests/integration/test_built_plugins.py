"""The plugins that are built here against the Python SDKs: same property names, and a clear no to other types."""

import functools
import importlib
import inspect
import json
import re
import subprocess
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi import _types as sdk_types

from tests.integration.workspace import Workspace, installed_plugin
from tests.plugin_sdks import TYPES, sdk_member, tokens

PLUGINS = tuple(TYPES)
# A cloud that nobody asks: creating is only previewed, and a type that is not mapped is refused before.
CLOUD = {
    "OS_AUTH_URL": "http://127.0.0.1:9/v3",
    "OS_USERNAME": "nobody",
    "OS_PASSWORD": "none",
    "OS_PROJECT_NAME": "none",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
}


def built(name: str) -> Path:
    """The plugin's executable, if it is the one built from Go modules (then it is a link to that)."""
    file = installed_plugin(name)
    if not file.resolve().parent.name.startswith(f"{name}-"):
        pytest.skip(f"{file} is the vendor's own plugin")
    return file


@functools.cache
def fields(name: str) -> dict[str, dict[str, list[str]]]:
    """What the plugin says of itself: token -> inputs and outputs."""
    printed = subprocess.run([built(name), "fields"], check=True, capture_output=True, text=True).stdout
    return typing.cast(dict[str, dict[str, list[str]]], json.loads(printed))


def inner_classes(hint: object) -> Iterator[type]:
    """The SDK's input and output classes anywhere inside a type hint (Optional, Sequence, Input, ...)."""
    if isinstance(hint, type) and (sdk_types.is_input_type(hint) or sdk_types.is_output_type(hint)):
        yield hint
    for argument in typing.get_args(hint):
        yield from inner_classes(argument)


def sdk_names(types: dict[str, type], deeper: Callable[[type], dict[str, type]], prefix: str = "") -> set[str]:
    """Names of all properties, those of inner blocks as "outer.inner"."""
    names: set[str] = set()
    for name, hint in types.items():
        names.add(prefix + name)
        for inner in inner_classes(hint):
            names |= sdk_names(deeper(inner), deeper, f"{prefix}{name}.")
    return names


@pytest.mark.parametrize("token", tokens("resources"))
def test_a_resource_has_the_inputs_and_outputs_of_the_sdk(token: str) -> None:
    cls = sdk_member(token)
    arguments = getattr(inspect.getmodule(cls), f"{cls.__name__}Args")
    plugin = fields(token.split(":")[0])[token]
    assert set(plugin["outputs"]) == sdk_names(sdk_types.resource_types(cls), sdk_types.output_type_types)
    assert set(plugin["inputs"]) == sdk_names(sdk_types.input_type_types(arguments), sdk_types.input_type_types)


@pytest.mark.parametrize("name", TYPES)
def test_a_provider_has_the_settings_of_the_sdk(name: str) -> None:
    arguments = importlib.import_module(f"pulumi_{name}").ProviderArgs
    plugin = fields(name)[f"pulumi:providers:{name}"]
    assert set(plugin["inputs"]) == sdk_names(sdk_types.input_type_types(arguments), sdk_types.input_type_types)


@pytest.mark.parametrize("token", tokens("dataSources"))
def test_a_data_source_has_the_arguments_and_results_of_the_sdk(token: str) -> None:
    function = sdk_member(token)
    plugin = fields(token.split(":")[0])[token]
    arguments = set(re.findall(r"__args__\['(\w+)'\]", inspect.getsource(function)))
    result = typing.get_type_hints(function)["return"]
    # "id" stands in every result, whether the provider's schema has it or not.
    results = sdk_names(sdk_types.output_type_types(result), sdk_types.output_type_types) - {"id"}
    assert {name for name in plugin["inputs"] if "." not in name} == arguments
    assert set(plugin["outputs"]) - {"id"} == results


@pytest.fixture
def workspace(pulumi_workspace: Workspace) -> Workspace:
    """A project with these plugins and a cloud that nobody asks."""
    for name in PLUGINS:
        built(name)
    pulumi_workspace.set_env(**CLOUD)
    return pulumi_workspace


def test_a_mapped_resource_is_planned_with_a_name_from_its_own(workspace: Workspace) -> None:
    workspace.write("import pulumi_openstack as openstack\nopenstack.networking.SecGroup('door')\n")
    planned = workspace.preview().expect_ok()
    assert planned.step("door").op == "create"
    assert re.search(r'"name":"door-[0-9a-f]{7}"', planned.events)


@pytest.mark.parametrize(
    ("call", "refused", "section"),
    [
        ("openstack.dns.Zone('zone', name='example.org.')", "resource type openstack:dns/zone:Zone", "resources"),
        ("openstack.dns.Zone.get('zone', '1')", "resource type openstack:dns/zone:Zone", "resources"),
        ("openstack.dns.get_dns_zone(name='x')", "data source openstack:dns/getDnsZone:getDnsZone", "dataSources"),
        ("docker.Volume('volume')", "resource type docker:index/volume:Volume", "resources"),
        ("docker.get_network(name='x')", "data source docker:index/getNetwork:getNetwork", "dataSources"),
    ],
)
def test_a_type_that_is_not_mapped_is_refused_with_the_remedy(
    call: str, refused: str, section: str, workspace: Workspace
) -> None:
    plugin = call.split(".")[0]
    workspace.write(f"import pulumi_{plugin} as {plugin}\n{call}\n")
    planned = workspace.preview()
    assert not planned.ok
    assert f"{refused} is not mapped in this {plugin} plugin" in planned.output
    remedy = f'toolchain/plugins/{plugin}/types.json; add it there under "{section}" and run `make toolchain`'
    assert remedy in planned.output
