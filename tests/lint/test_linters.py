"""The linters, as tests: `make test` is one runner for all, and `make lint` runs just these."""

from __future__ import annotations

import re

from tests.lint.project_files import ROOT, complaints, dockerfiles, shell_scripts, tool, with_suffix

PYTHON_WITH_TYPES = ("benches", "components", "images/proxy", "lab", "services", "storage", "tests", "tools", "__main__.py")


def test_ruff_finds_no_fault() -> None:
    assert complaints(tool("ruff"), "check", ".") == ""


def test_ruff_would_format_nothing_otherwise() -> None:
    assert complaints(tool("ruff"), "format", "--check", ".") == ""


def test_mypy_finds_no_fault_in_strict_mode() -> None:
    assert "\nstrict = true\n" in (ROOT / "pyproject.toml").read_text()
    # A cache of its own: mypy's is not made for an editor that checks at the same time.
    assert complaints(tool("mypy"), "--cache-dir=.build/test/mypy", *PYTHON_WITH_TYPES) == ""


def test_shellcheck_finds_no_fault_in_any_shell_script() -> None:
    scripts = shell_scripts()
    assert ROOT / ".ci" / "run" in scripts
    assert ROOT / "cloud-init" / "prepare-node.sh" in scripts
    assert complaints(tool("shellcheck"), "--external-sources", *scripts) == ""


def test_hadolint_finds_no_fault_in_any_dockerfile() -> None:
    files = dockerfiles()
    assert {path.parent.name for path in files}.issuperset({"hub", "userproxy", "proxy", "notebook"})
    assert complaints(tool("hadolint"), *files) == ""


def test_every_bash_script_stops_at_its_first_failure() -> None:
    scripts = {script.relative_to(ROOT).as_posix(): script.read_text().splitlines() for script in shell_scripts()}
    lenient = [name for name, lines in scripts.items() if "bash" in lines[0] and "set -euo pipefail" not in lines]
    assert [name for name in lenient if scripts[name][0].startswith("#!")] == []


def test_a_check_is_switched_off_for_a_file_only_by_its_name_and_with_a_reason() -> None:
    switch = re.compile(r"^# (?:ruff|flake8): noqa(?!: [A-Z0-9, ]+ - \S)|^# mypy: ", re.MULTILINE)
    assert switch.search("# ruff: " + "noqa\n")
    assert [path for path in with_suffix(".py") if switch.search(path.read_text())] == []
