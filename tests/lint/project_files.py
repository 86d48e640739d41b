"""The files of the project, as the linters see them: what is committed and what would be with the next commit."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MADE_HERE = {".git", ".build", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__"}
SHELL = re.compile(rb"#!\s*(/usr/bin/env\s+|/bin/|/usr/bin/)(ba|da)?sh\b")


@cache
def project_files() -> list[Path]:
    """Every file of the project; from git where this is a checkout, else all but what was made here."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not MADE_HERE.intersection(path.relative_to(ROOT).parts)]
    return sorted(path for path in found if path.is_file())


def with_suffix(*suffixes: str) -> list[Path]:
    """The project's files with one of these suffixes."""
    return [path for path in project_files() if path.suffix in suffixes]


def shell_scripts() -> list[Path]:
    """Shell scripts by their suffix or, without one, by their first line."""
    return [path for path in project_files() if path.suffix == ".sh" or (not path.suffix and SHELL.match(path.read_bytes()[:80]))]


def dockerfiles() -> list[Path]:
    """The recipes of container images."""
    return [path for path in project_files() if path.name == "Dockerfile" or path.name.startswith("Dockerfile.")]


def tool(name: str) -> Path:
    """A linter of the virtual environment that runs the tests."""
    path = Path(sys.executable).parent / name
    assert path.is_file(), f"{path} is missing; `make venv` installs what requirements-dev.txt names"
    return path


def complaints(*command: str | Path) -> str:
    """What a linter says of the project; nothing if it has nothing to say."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return "" if done.returncode == 0 else said or f"{command[0]} ended with status {done.returncode}"
