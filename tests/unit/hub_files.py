"""The hub's own files, which run inside its container: loaded here as modules and executed as configuration."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from components.hub_files import CONFIG_FOLDER, EXTRA_CONFIG, SOURCE, HubSettings
from services.hub.home_volumes import HUB_FOLDER

STANDARD = {
    "name": "standard",
    "description": "",
    "image": "example/lab:7",
    "cpu_limit": 1.5,
    "cpu_guarantee": 0.25,
    "memory_limit": 2 * 1024**3,
    "memory_guarantee": 512 * 1024**2,
    "node_label": "",
    "gpus": 0,
}
SETTINGS = HubSettings(
    title="Physics 101",
    sign_in={"auth": "dummy", "admins": ["ada", "grace"], "allowed_users": [], "oauth": {}},
    announcement="",
    idle_timeout=7200,
    max_age=0,
    named_servers=0,
    concurrent_spawn_limit=100,
    active_server_limit=0,
    notebook_role="worker",
    profiles=(STANDARD,),
    lasting_homes=True,
    shared_folder=False,
)
SECRETS = {
    "cookie-secret": "0f" * 32,
    "crypt-key": "1e" * 32,
    "proxy-token": "proxy-token-value",
    "password": "password-value",
    "admin-password": "password-value-of-the-administrators",
    "client-secret": "client-secret-value",
}


def spawner_module() -> ModuleType:
    """services/hub/swarm_spawner.py, under the name that the hub imports it by."""
    return importlib.import_module("services.hub.swarm_spawner")


def hub_config(root: Path, monkeypatch: pytest.MonkeyPatch, settings: HubSettings = SETTINGS, extra: str = "") -> Config:
    """Execute jupyterhub_config.py in a container whose file system begins at `root`; `extra` is the owner's own file."""
    secret_folder = root / "run" / "secrets"
    config_folder = root / CONFIG_FOLDER.lstrip("/")
    storage = root / HUB_FOLDER.lstrip("/") / "hub"
    for folder in (secret_folder, config_folder, storage):
        folder.mkdir(parents=True, exist_ok=True)
    (config_folder / "settings.json").write_text(settings.render())
    if extra:
        (config_folder / EXTRA_CONFIG).write_text(extra)
    for name, value in SECRETS.items():
        (secret_folder / name).write_text(value)
    # What the configuration imports must not be loaded while Path is another.
    for module in ("leftovers", "user_proxy_routes"):
        importlib.import_module(f"services.hub.{module}")
    source = SOURCE / "jupyterhub_config.py"
    config = Config()
    namespace: dict[str, Any] = {"get_config": lambda: config, "__file__": str(source)}
    with monkeypatch.context() as inside:
        inside.setattr(sys, "path", list(sys.path))
        inside.setenv("HOMES_ADDRESS", "10.20.0.10")
        inside.setattr("pathlib.Path", lambda text: root / text.lstrip("/"))
        exec(compile(source.read_text(), source, "exec"), namespace)
    return config


def spawner_of(user_name: str, config: Config | None = None) -> Any:
    """A NotebookSpawner for the user."""
    hub = SimpleNamespace(api_url="http://hub:8081/hub/api")
    return spawner_module().NotebookSpawner(config=config or Config(), hub=hub, user=SimpleNamespace(name=user_name))
