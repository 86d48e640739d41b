"""What is known of the lab on this machine, kept in `.build/lab/lab.json`."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from lab.process import BUILD

FACTS = BUILD / "lab.json"


def load_facts() -> dict[str, Any]:
    """What is known of the lab on this machine (`.build/lab/lab.json`); empty at first."""
    return dict(json.loads(FACTS.read_text(encoding="utf-8"))) if FACTS.exists() else {}


def save_facts(facts: dict[str, Any]) -> None:
    """Write the facts down in one go."""
    BUILD.mkdir(parents=True, exist_ok=True)
    new = FACTS.with_suffix(".new")
    new.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    new.rename(FACTS)


def engine_answers() -> bool:
    """Whether a Docker engine runs."""
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
