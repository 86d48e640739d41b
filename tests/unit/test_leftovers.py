"""services/hub/leftovers.py: which services the hub removes when it starts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.hub import leftovers
from tests.unit.fake_swarm import refusal


def service(name: str, **labels: str) -> dict[str, Any]:
    """A service as the Docker API tells it, with labels of this project."""
    return {"ID": f"id-of-{name}", "Spec": {"Name": name, "Labels": {f"jupyterhub-swarm.{key}": labels[key] for key in labels}}}


ADA = service("jupyter-ada", user="ada", server="")
NAMED = service("jupyter-ada--gpu", user="ada", server="gpu")
FOREIGN = service("hub")
HUB = "http://hub:8081/hub/api"


class Docker:
    """Lists services and remembers which were removed; `gone` are away by then."""

    def __init__(self, *services: dict[str, Any], gone: str = "") -> None:
        self.removed: list[str] = []
        self._services, self._gone = services, gone

    def services(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert filters == {"label": f"jupyterhub-swarm.hub={HUB}"}
        return list(self._services)

    def remove_service(self, name: str) -> None:
        if name == self._gone:
            raise refusal(404)
        self.removed.append(name)


def test_a_server_that_the_database_knows_is_left_alone() -> None:
    docker = Docker(ADA, NAMED)
    assert asyncio.run(leftovers.remove(docker, HUB, lambda: {("ada", ""), ("ada", "gpu")})) == []
    assert docker.removed == []


def test_a_server_that_the_database_does_not_know_is_removed() -> None:
    docker = Docker(ADA, NAMED)
    assert asyncio.run(leftovers.remove(docker, HUB, lambda: {("ada", "")})) == ["jupyter-ada--gpu"]
    assert docker.removed == ["id-of-jupyter-ada--gpu"]


def test_services_without_the_labels_of_this_project_are_never_removed() -> None:
    assert leftovers.forgotten([FOREIGN, {"ID": "x", "Spec": {"Name": "x", "Labels": None}}], set()) == []


def test_a_service_that_goes_by_itself_meanwhile_stops_nothing() -> None:
    docker = Docker(ADA, NAMED, gone="id-of-jupyter-ada")
    assert asyncio.run(leftovers.remove(docker, HUB, set)) == ["jupyter-ada--gpu"]


def test_the_database_is_asked_after_the_swarm_so_that_a_server_that_starts_meanwhile_is_known() -> None:
    order: list[str] = []

    class Late(Docker):
        def services(self, filters: dict[str, str]) -> list[dict[str, Any]]:
            order.append("swarm")
            return super().services(filters)

    def known() -> set[tuple[str, str]]:
        order.append("database")
        return set()

    asyncio.run(leftovers.remove(Late(), HUB, known))
    assert order == ["swarm", "database"]


def test_what_goes_wrong_is_logged_and_does_not_stop_the_hub(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> Any:
        raise ConnectionError("no Docker")

    monkeypatch.setattr("docker.APIClient", broken)
    asyncio.run(leftovers.remove_later(0))
    assert "could not be searched for forgotten servers" in caplog.text
