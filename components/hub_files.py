"""The files that the hub reads, which are swarm configs: the project's own, those rendered from the settings, the owner's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "services" / "hub"
# Python files keep their place in the project below CONFIG_FOLDER, so that they import each other there as they do here.
HUB_FILES = tuple(sorted(path.name for path in SOURCE.glob("*.py")))
# The hub's pages, each with what it has of its own; the rest is JupyterHub's.
TEMPLATE_FILES = tuple(f"templates/{page}.html" for page in ("page", "login", "spawn", "spawn_pending", "error", "admin"))
SETTINGS, EXTRA_CONFIG = "settings.json", "hub_extra_config.py"
CONFIG_FOLDER = "/etc/jupyterhub"


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """What jupyterhub_config.py reads as settings.json. Times in seconds (0 for never).
    `title` is how the site calls itself.

    `sign_in` is as components/sign_in.py renders it. Limits that are 0 are none.
    `notebook_role` is the swarm role of the nodes that notebooks run on: worker, or manager where there are no workers.
    `profiles` are the kinds of servers to choose from, as components/profiles.py renders them, the first for who chooses none.
    `lasting_homes` is whether homes outlive servers, and `shared_folder` whether they show a folder that all share.
    """

    title: str
    sign_in: dict[str, Any]
    announcement: str
    idle_timeout: int
    max_age: int
    named_servers: int
    concurrent_spawn_limit: int
    active_server_limit: int
    notebook_role: str
    profiles: tuple[dict[str, Any], ...]
    lasting_homes: bool
    shared_folder: bool
    room_timeout: int = 60

    def render(self) -> str:
        """The settings as JSON, the same text for the same settings."""
        return json.dumps(vars(self), indent=1, sort_keys=True) + "\n"


def hub_files(settings: HubSettings, extra_config: str = "") -> dict[str, str]:
    """The texts of all files, by the names of this project; `extra_config` is that of the owner's own file, or empty."""
    files = {file: (SOURCE / file).read_text() for file in (*HUB_FILES, *TEMPLATE_FILES)}
    files[SETTINGS] = settings.render()
    if extra_config:
        files[EXTRA_CONFIG] = extra_config
    return files


def config_path(file: str) -> str:
    """Where a file is in the hub's container."""
    module = file in (*HUB_FILES, *TEMPLATE_FILES) and file != "jupyterhub_config.py"
    return f"{CONFIG_FOLDER}/{'services/hub/' if module else ''}{file}"
