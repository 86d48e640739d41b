"""The table of OpenStack types that the plugin built here maps, and the same types in the Python SDK."""

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

TYPES: dict[str, dict[str, str]] = json.loads((Path(__file__).parents[1] / "toolchain" / "openstack" / "types.json").read_text())


def sdk_member(token: str) -> Any:
    """The class or function of the Python SDK for "module/file:Member"; fails if it has another token or is not there."""
    module, _, member = token.split("/")[0], *token.split("/")[1].split(":")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower() if member.startswith("get") else member
    found = getattr(importlib.import_module(f"pulumi_openstack.{module}"), snake)
    if inspect.isclass(found):
        assert found.pulumi_type == f"openstack:{token}"
    else:
        assert f"'openstack:{token}'" in inspect.getsource(found)
    return found
