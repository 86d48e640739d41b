"""The tables of types that the plugins built here map, and the same types in the Python SDKs."""

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

_PLUGINS = Path(__file__).parents[1] / "toolchain" / "plugins"
TYPES: dict[str, dict[str, dict[str, str]]] = {
    name: json.loads((_PLUGINS / name / "types.json").read_text()) for name in ("openstack", "docker")
}


def tokens(section: str) -> list[str]:
    """ "plugin:module/file:Member" of all types in this section of the tables."""
    return [f"{name}:{token}" for name, table in TYPES.items() for token in table[section].values()]


def sdk_member(token: str) -> Any:
    """The class or function of the Python SDK for such a token; fails if it has another token or is not there."""
    plugin, place, member = token.split(":")
    module = place.split("/")[0]
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower() if member.startswith("get") else member
    package = f"pulumi_{plugin}" if module == "index" else f"pulumi_{plugin}.{module}"
    found = getattr(importlib.import_module(package), snake)
    if inspect.isclass(found):
        assert found.pulumi_type == token
    else:
        assert f"'{token}'" in inspect.getsource(found)
    return found
