"""services/hub/leftovers.py: which services the hub removes, and how often it looks."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.app import JupyterHub

from services.hub import leftovers
from services.hub.leftovers import Known
from tests.unit.fake_swarm import refusal
from tests.unit.hub_files import hub_config


def service(name: str, **labels: str) -> dict[str, Any]:
    """A service as the Docker API tells it, with labels of this project."""
    return {"ID": f"id-of-{name}", "Spec": {"Name": name, "Labels": {f"jupyterhub-swarm.{key}": labels[key] for key in labels}}}


ADA = service("jupyter-ada", user="ada", server="")
NAMED = service("jupyter-ada--gpu", user="ada", server="gpu")
FOREIGN = service("hub")
HUB = "http://hub:8081/hub/api"
NOBODY = Known()


def known(*pairs: tuple[str, str], ids: tuple[str, ...] = ()) -> Known:
    """What the hub's database knows."""
    return Known(pairs=frozenset(pairs), ids=frozenset(ids))


class Docker:
    """Lists services and remembers which were removed; `gone` is away by then, and `held` is not given away."""

    def __init__(self, *services: dict[str, Any], gone: str = "", held: str = "") -> None:
        self.removed: list[str] = []
        self._services, self._gone, self._held = services, gone, held

    def services(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert filters == {"label": f"jupyterhub-swarm.hub={HUB}"}
        return list(self._services)

    def remove_service(self, name: str) -> None:
        if name in (self._gone, self._held):
            raise refusal(404 if name == self._gone else 500)
        self.removed.append(name)

    def close(self) -> None:
        """Nothing to close."""


def test_a_server_that_the_database_knows_is_left_alone() -> None:
    docker = Docker(ADA, NAMED)
    assert asyncio.run(leftovers.remove(docker, HUB, lambda: known(("ada", ""), ("ada", "gpu")))) == []
    assert docker.removed == []


def test_a_server_that_the_database_does_not_know_is_removed() -> None:
    docker = Docker(ADA, NAMED)
    assert asyncio.run(leftovers.remove(docker, HUB, lambda: known(("ada", "")))) == ["jupyter-ada--gpu"]
    assert docker.removed == ["id-of-jupyter-ada--gpu"]


def test_services_without_the_labels_of_this_project_are_never_removed() -> None:
    assert leftovers.forgotten([FOREIGN, {"ID": "x", "Spec": {"Name": "x", "Labels": None}}], NOBODY) == []


def test_a_service_that_goes_by_itself_meanwhile_stops_nothing() -> None:
    docker = Docker(ADA, NAMED, gone="id-of-jupyter-ada")
    assert asyncio.run(leftovers.remove(docker, HUB, Known)) == ["jupyter-ada--gpu"]


def test_the_database_is_asked_after_the_swarm_so_that_a_server_that_starts_meanwhile_is_known() -> None:
    order: list[str] = []

    class Late(Docker):
        def services(self, filters: dict[str, str]) -> list[dict[str, Any]]:
            order.append("swarm")
            return super().services(filters)

    def asked() -> Known:
        order.append("database")
        return NOBODY

    asyncio.run(leftovers.remove(Late(), HUB, asked))
    assert order == ["swarm", "database"]


def test_a_service_that_cannot_be_removed_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    docker = Docker(ADA, NAMED, held="id-of-jupyter-ada")
    assert asyncio.run(leftovers.remove(docker, HUB, Known)) == ["jupyter-ada--gpu"]
    assert "jupyter-ada could not be removed, and is tried again later" in caplog.text


def test_a_server_is_known_by_its_id_too_whatever_its_label_says() -> None:
    docker = Docker(ADA, NAMED)
    assert asyncio.run(leftovers.remove(docker, HUB, lambda: known(("lovelace", ""), ids=("id-of-jupyter-ada",)))) == [
        "jupyter-ada--gpu"
    ]


def test_the_database_tells_who_runs_or_starts_and_under_which_id(tmp_path: Path) -> None:
    db = orm.new_session_factory(f"sqlite:///{tmp_path / 'hub.sqlite'}")()
    states = {"": {"object_id": "id-1", "object_name": "jupyter-ada"}, "starts": None, "gpu": {"object_id": ""}, "stopped": {}}
    ada = orm.User(name="ada")
    db.add(ada)
    for name, state in states.items():
        server = None if name == "stopped" else orm.Server(base_url=f"/user/ada/{name}")
        db.add(orm.Spawner(name=name, user=ada, server=server, state=state))
    # A stop that failed: JupyterHub takes the server for stopped, and keeps what it knew.
    db.add(orm.Spawner(name="failed", user=ada, server=None, state={"object_id": "id-2"}))
    db.commit()
    assert leftovers.known_servers(db) == known(("ada", ""), ("ada", "starts"), ("ada", "gpu"), ids=("id-1",))


class Engine(Docker):
    """A Docker that is asked by the hub itself, and does not answer the first time."""

    asked = 0

    def services(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        self.asked += 1
        if self.asked == 1:
            raise ConnectionError("no Docker")
        return super().services(filters)


def test_the_hub_looks_again_and_again_and_what_goes_wrong_once_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(ADA)
    monkeypatch.setattr("docker.APIClient", lambda **_: engine)
    hub = SimpleNamespace(hub=SimpleNamespace(api_url=HUB), db=None)
    monkeypatch.setattr(JupyterHub, "instance", lambda: hub)
    monkeypatch.setattr(leftovers, "known_servers", lambda _: NOBODY)

    async def until_removed() -> None:
        looking = asyncio.create_task(leftovers.remove_for_ever(0, 0))
        while engine.asked < 4:
            await asyncio.sleep(0)
        looking.cancel()

    asyncio.run(asyncio.wait_for(until_removed(), 60))
    assert "could not be searched for forgotten servers" in caplog.text
    assert set(engine.removed) == {"id-of-jupyter-ada"}


def test_the_hub_goes_on_while_docker_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, goes_on = Docker(ADA), threading.Event()

    def client(**_: str) -> Any:
        assert goes_on.wait(30), "the event loop waits for Docker"
        return engine

    monkeypatch.setattr("docker.APIClient", client)
    hub = SimpleNamespace(hub=SimpleNamespace(api_url=HUB), db=None)
    monkeypatch.setattr(JupyterHub, "instance", lambda: hub)
    monkeypatch.setattr(leftovers, "known_servers", lambda _: NOBODY)

    async def at_once() -> None:
        looking = asyncio.create_task(leftovers.look())
        await asyncio.sleep(0)
        goes_on.set()
        await looking

    asyncio.run(at_once())
    assert engine.removed == ["id-of-jupyter-ada"]


def test_the_hubs_configuration_begins_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    monkeypatch.setattr("services.hub.background.begin", begun.append)
    hub_config(tmp_path, monkeypatch)
    assert leftovers.remove_for_ever in begun
