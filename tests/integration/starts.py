"""Starts of spawners on the engine of the tests, and what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.hub.start_errors import StartError
from services.hub.swarm_spawner import NotebookSpawner
from tests.integration.docker_engine import DockerEngine

# A start takes two seconds here, and twenty on a machine that does much else.
LIMIT_S = 90
HUB = "http://hub:8081/hub/api"
Spawners = Callable[..., Any]


def start(spawner: Any) -> Any:
    """Run a start to its end."""
    NotebookSpawner._watch = None  # it belongs to the event loop of the start before
    return asyncio.run(asyncio.wait_for(spawner.start(), LIMIT_S))


def told(spawner: Any) -> str:
    """What the user reads of a start that fails."""
    with pytest.raises(StartError) as failed:
        start(spawner)
    return str(failed.value.jupyterhub_message)


def node_name(engine: DockerEngine) -> str:
    """The engine's one node."""
    return engine.docker("node", "ls", "--format", "{{.Hostname}}")
