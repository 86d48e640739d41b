"""The pre-commit hooks: the same tools as the tests, from the same place, and nothing from elsewhere."""

from __future__ import annotations

import shlex
from typing import Any

import yaml

from tests.lint.project_files import ROOT, tool
from tests.lint.test_linters import PYTHON_WITH_TYPES


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks by their ids."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    return {hook["id"]: hook for hook in repository["hooks"]}


def test_every_linter_of_the_tests_is_a_hook() -> None:
    assert set(hooks()) == {"ruff", "ruff-format", "mypy", "shellcheck", "hadolint"}


def test_every_hook_runs_a_tool_of_the_virtual_environment() -> None:
    for hook in hooks().values():
        program = shlex.split(hook["entry"])[0]
        assert hook["language"] == "system"
        assert program.startswith(".venv/bin/")
        assert tool(program.removeprefix(".venv/bin/")).is_file()


def test_mypy_checks_the_same_folders_as_in_the_tests() -> None:
    assert tuple(shlex.split(hooks()["mypy"]["entry"])[1:]) == PYTHON_WITH_TYPES
