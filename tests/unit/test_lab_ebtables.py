"""The program before the lab's ebtables: what that one cannot delete by its text goes by its number, all else passes through."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "lab/cloud/recipe/ebtables.sh"
TAP = "-i tap24b4b7ce-96 --among-src"
# As ebtables lists (`--Ln`), with its blank at the end of a line.
LISTED = f"""Bridge table: nat

Bridge chain: macs, entries: 3, policy: RETURN
1 {TAP} fa:16:3e:00:00:01,fa:16:3e:00:00:02 -j RETURN\x20
2 {TAP} fa:16:3e:00:00:01 -j RETURN\x20
3 -j DROP\x20
"""


def calls(folder: Path, *arguments: str) -> list[str]:
    """What the real program is asked for, apart from the list."""
    real = folder / "ebtables"
    (folder / "listed").write_text(LISTED)
    real.write_text(
        f'#!/bin/sh\ncase "$*" in *" -L "*) cat {folder}/listed; exit ;; esac\nprintf "%s\\n" "$*" >>{folder}/calls\n'
    )
    real.chmod(0o755)
    done = subprocess.run([SCRIPT, *arguments], env={**os.environ, "EBTABLES": str(real)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    made = folder / "calls"
    return made.read_text().splitlines() if made.exists() else []


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (f"{TAP} fa:16:3e:00:00:01 -j RETURN", ["-t nat --concurrent -D macs 2"]),
        (f"{TAP} fa:16:3e:00:00:01,fa:16:3e:00:00:02 -j RETURN", ["-t nat --concurrent -D macs 1"]),
        (f"{TAP} fa:16:3e:00:00:09 -j RETURN", []),
        ("-j DROP", ["-t nat --concurrent -D macs -j DROP"]),
    ],
    ids=["by its number", "not another one", "gone already", "of another kind"],
)
def test_a_rule_is_deleted(tmp_path: Path, rule: str, asked: list[str]) -> None:
    assert calls(tmp_path, "-t", "nat", "--concurrent", "-D", "macs", *rule.split()) == asked


def test_all_else_is_passed_on(tmp_path: Path) -> None:
    assert calls(tmp_path, "-t", "nat", "-A", "macs", *f"{TAP} fa -j RETURN".split()) == [f"-t nat -A macs {TAP} fa -j RETURN"]
