"""The real hub while the storage of the homes is away: it starts, says so, refuses starts with a sentence, and then goes on."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import sign_in
from components.sign_in import Auth
from tests.e2e.waiting import wait_for
from tests.integration.browser_session import BrowserSession
from tests.integration.echo import Echo
from tests.integration.hub_process import SECRETS, START_S, HubProcess, free_port
from tests.unit.hub_files import SETTINGS

# The stand-in for the spawner asks for homes as the project's own does.
WITH_HOMES = """
c.OneServerSpawner.pre_spawn_hook = c.NotebookSpawner.pre_spawn_hook
c.OneServerSpawner.options_form = c.NotebookSpawner.options_form
OneServerSpawner.profiles = c.NotebookSpawner.profiles
"""
AWAY = "The storage of the homes does not answer (it is not mounted)"


class Storage:
    """The storage that the hub's node mounts: `go` leaves the empty folder that it was mounted on."""

    def __init__(self, hub: HubProcess) -> None:
        self._folder = hub.beside_the_homes.parent
        self._away = self._folder.with_name("away")
        for name in ("users", "new"):
            (self._folder / name).mkdir()

    def go(self) -> None:
        self._folder.rename(self._away)
        self._folder.mkdir()

    def come(self) -> None:
        self._folder.rmdir()  # which is empty: nothing was written under the mount
        self._away.rename(self._folder)

    def has_home(self, name: str) -> None:
        (self._folder / "users" / name).mkdir()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub that is not started yet."""
    listening = socket.create_server(("127.0.0.1", 0))
    notebook = Echo(listening)
    people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
    settings = dataclasses.replace(SETTINGS, sign_in=people, idle_timeout=0)
    made = HubProcess(tmp_path, settings, free_port(), WITH_HOMES, listening.getsockname()[1])
    yield made
    made.stop()
    notebook.stop()


def test_a_hub_starts_and_says_that_the_storage_is_away_and_goes_on_when_it_comes(hub: HubProcess) -> None:
    storage = Storage(hub)
    storage.has_home("ada")
    hub.start()
    storage.go()
    hub.restart()
    stranger, ada = BrowserSession(hub.url), BrowserSession(hub.url)
    wait_for("the pages to say it", lambda: AWAY in stranger.get("hub/login").text, limit_s=START_S)
    page = ada.post("hub/login", username="ada", password=SECRETS["password"])
    assert "/hub/spawn" in page.url
    assert f"<strong>Your server cannot start now.</strong> {AWAY}" in page.text
    page = ada.post("hub/spawn/ada")  # all the same
    assert f"{AWAY}. Please try again in a minute." in page.text
    assert not ada.model()["servers"]
    storage.come()
    wait_for("the pages to say nothing more", lambda: AWAY not in stranger.get("hub/login").text, limit_s=START_S)
    assert "Your server cannot start now" not in ada.get("hub/home").text
    ada.get("hub/spawn/ada")  # no page before it: the server starts
    wait_for("Ada's server", lambda: ada.model()["servers"], limit_s=START_S)
    assert "The storage of the homes answers again" in hub.log()


def test_a_hub_without_a_database_waits_for_the_storage_and_says_so(hub: HubProcess) -> None:
    storage = Storage(hub)
    storage.go()
    with pytest.raises(AssertionError, match=r"The hub has no database, and whether .* cannot be seen \(it is not mounted\)"):
        hub.start()
    assert not hub.state.exists()
    storage.come()
    hub.start()
