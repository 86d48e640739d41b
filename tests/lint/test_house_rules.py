"""What no linter knows: files stay short, and name neither a registry's host nor a path of somebody's machine."""

from __future__ import annotations

import ast
import re

import pytest

from tests.lint.project_files import ROOT, project_files, shell_scripts, with_suffix

MOST_LINES = 250
# Packages come from wherever the machine's own pip, npm, Go and apt are told to look.
REGISTRIES = r"(?:pypi|pythonhosted|golang|npmjs|crates\.io|maven|rubygems|debian\.org|ubuntu\.com)"
REGISTRY_URL = re.compile(rf"(?i)\bhttps?://[^\s/\"']*{REGISTRIES}")
REGISTRY_HOST = re.compile(r"(?i)\b(?:(?:proxy|sum|index)[.]golang|registry[.]npmjs|files[.]pythonhosted|pypi)[.]org\b")
MACHINE_PATH = re.compile(r"(?<![\w./@-])/(?:work|farm|Users)/|(?<![\w./@-])/(?:root/|home/(?!jovyan))[.\w-]+/")


def offenders(pattern: re.Pattern[str]) -> list[str]:
    """Every line of a text file of the project that matches, with its place."""
    found = []
    for path in project_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT)
        found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    return found


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        (REGISTRY_URL, "https://{}.org/simple".format("pypi")),
        (REGISTRY_URL, "http://deb.{}/debian".format("debian.org")),
        (REGISTRY_HOST, "GOPROXY=proxy.{}.org,direct".format("golang")),
        (MACHINE_PATH, "cd /{}/main".format("work")),
        (MACHINE_PATH, "key=/root/{}/id".format(".ssh")),
    ],
)
def test_the_patterns_find_what_they_are_made_for(pattern: re.Pattern[str], sample: str) -> None:
    assert pattern.search(sample)


@pytest.mark.parametrize("pattern", [REGISTRY_URL, REGISTRY_HOST], ids=["url", "host"])
def test_no_file_names_the_host_of_a_package_registry(pattern: re.Pattern[str]) -> None:
    assert offenders(pattern) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert offenders(MACHINE_PATH) == []


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    sources = {*with_suffix(".py", ".go"), *shell_scripts()}
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_every_python_file_tells_what_it_is_for() -> None:
    modules = {path: ast.parse(path.read_text()) for path in with_suffix(".py")}
    assert [path for path, module in modules.items() if module.body and not ast.get_docstring(module)] == []
