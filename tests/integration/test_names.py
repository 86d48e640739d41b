"""Names with the real hub: which are refused and how that is told, what an upgrade leaves as it was, and who has whose client."""

from __future__ import annotations

import dataclasses
import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from components import sign_in
from components.sign_in import Auth
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.integration.hub_without_swarm import LINES
from tests.integration.serving import Serving
from tests.unit.hub_files import SETTINGS

LONG = "firstname.lastname@cs.example-university.ac.uk"
OF_USER = "FROM spawners s JOIN users u ON u.id = s.user_id"
LIMIT_S = 60
BOMB, BROKEN = "{{range(200000000)}}x{{end}}", "x{{y"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub whose admin is ada, with named servers for everybody; each server answers at once."""
    listening = socket.create_server(("127.0.0.1", 0))
    port, notebook = listening.getsockname()[1], Serving(listening, [])
    people = sign_in.parse(Auth.DUMMY, ("ada",), (), {}).rendered("")
    settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=False, idle_timeout=0, named_servers=20)
    made = HubProcess(tmp_path_factory.mktemp("hub"), settings, free_port(), LINES, port)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        notebook.stop()


def signed_in(hub: HubProcess, name: str) -> BrowserSession:
    """A user's browser; ada is the admin."""
    browser = BrowserSession(hub.url)
    password = SECRETS["admin-password" if name == "ada" else "password"]
    answer = browser.post("hub/login", username=name, password=password)
    assert browser.model().get("name") == name, answer.text[-2000:]
    return browser


def rows(hub: HubProcess, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the hub's database answers; a change stays."""
    with sqlite3.connect(hub.state) as connection:
        return connection.execute(question, values).fetchall()


def start(browser: BrowserSession, user: str, server: str = "") -> None:
    """Start a server by the API."""
    path = f"users/{quote(user)}/servers/{quote(server)}" if server else f"users/{quote(user)}/server"
    answer = browser.api("POST", path)
    assert answer.status_code in (201, 202) or "already running" in answer.text, answer.text


def remove(hub: HubProcess, browser: BrowserSession, user: str, server: str) -> None:
    """Stop a server and wait until the hub knows it no more."""
    assert browser.api("DELETE", f"users/{user}/servers/{quote(server)}", {"remove": True}).status_code in (202, 204)
    end = time.monotonic() + LIMIT_S
    while server in names_of_servers(hub, user):
        assert time.monotonic() < end, f"{server} is there still:\n{hub.log()[-3000:]}"
        time.sleep(0.1)


def names_of_servers(hub: HubProcess, user: str) -> list[str]:
    """The named servers of a user, running or not."""
    found = rows(hub, f"SELECT s.name {OF_USER} WHERE u.name = ? AND s.name != ''", user)
    return [name for (name,) in found]


def state_of(hub: HubProcess, user: str, server: str = "") -> dict[str, Any]:
    """What the hub keeps of a server."""
    ((state,),) = rows(hub, f"SELECT s.state {OF_USER} WHERE u.name = ? AND s.name = ?", user, server)
    return dict(json.loads(state))


def test_an_admin_who_renames_a_user_reads_that_the_name_stays_and_why(hub: HubProcess) -> None:
    admin, _ = signed_in(hub, "ada"), signed_in(hub, "ben")
    # In this order, as the admin page sends it.
    answer = admin.api("PATCH", "users/ben", {"name": "benjamin", "admin": True})
    assert answer.status_code == 409
    assert "ben keeps this name" in answer.json()["message"]
    assert "add benjamin as a user" in answer.json()["message"]
    ben = admin.api("GET", "users/ben").json()
    assert (ben["name"], ben["admin"]) == ("ben", False)
    assert admin.api("GET", "users/benjamin").status_code == 404
    assert "A user's name cannot be changed" in admin.get("hub/admin").text
    made_admin = admin.api("PATCH", "users/ben", {"name": "ben", "admin": True}).json()
    assert (made_admin["name"], made_admin["admin"]) == ("ben", True)


@pytest.mark.parametrize("name", [BOMB, BROKEN, "..", "a\nb", "a/b", " b", "x" * 101])
def test_a_name_that_no_server_may_have_is_refused_by_the_api_on_the_page_and_by_a_link(hub: HubProcess, name: str) -> None:
    browser, quoted = signed_in(hub, "ben"), quote(name, safe="").replace(".", "%2E")
    by_api = browser.api("POST", f"users/ben/servers/{quoted}")
    assert by_api.status_code == 400
    assert "A server cannot be called" in by_api.json()["message"]
    by_page = browser.get(f"hub/spawn/ben/{quoted}")
    assert by_page.status_code == 400
    assert "A server cannot be called" in by_page.text
    browser.get(f"hub/user/ben/{quoted}/lab")
    assert names_of_servers(hub, "ben") == []


def test_a_form_starts_no_server_with_such_a_name(hub: HubProcess) -> None:
    answer = signed_in(hub, "ben").post(f"hub/spawn/ben/{quote(BOMB, safe='')}")
    assert answer.status_code == 400
    assert "A server cannot be called" in answer.text
    assert names_of_servers(hub, "ben") == []


@pytest.mark.parametrize("name", ["gpu", "GPU", "my server", "日本語", "50 %", "a!b=c", "it's", "a\\b", "x" * 100])
def test_what_people_call_their_servers_goes_as_before(hub: HubProcess, name: str) -> None:
    browser = signed_in(hub, "cid")
    start(browser, "cid", name)
    assert browser.model()["servers"][name]["ready"] is True
    remove(hub, browser, "cid", name)


def test_a_server_that_was_called_so_before_can_be_started_and_removed(hub: HubProcess) -> None:
    browser = signed_in(hub, "dan")
    hub.stop()
    rows(hub, "INSERT INTO spawners (user_id, name) SELECT id, ? FROM users WHERE name = 'dan'", BROKEN)
    hub.start()
    start(browser, "dan", BROKEN)
    hub.restart()
    assert browser.model()["servers"][BROKEN]["ready"] is True
    remove(hub, browser, "dan", BROKEN)


def test_a_user_cannot_have_a_name_with_braces_and_can_have_all_that_services_send(hub: HubProcess) -> None:
    admin = signed_in(hub, "ada")
    refused = admin.api("POST", "users", {"usernames": [BOMB]})
    assert (refused.status_code, "Invalid username" in refused.json()["message"]) == (400, True)
    assert admin.api("POST", f"users/{quote(BROKEN)}").status_code == 400
    stranger = BrowserSession(hub.url)
    stranger.post("hub/login", username=BROKEN, password=SECRETS["password"])
    assert stranger.model() == {}
    names = [LONG, "o'brien+lab@example.org", "domain\\ada", "ada lovelace", "josé", "李雷"]
    assert admin.api("POST", "users", {"usernames": names}).status_code == 201
    for name in names:
        signed_in(hub, name)


def test_a_long_name_starts_servers_that_a_new_hub_finds_again(hub: HubProcess) -> None:
    browser = signed_in(hub, LONG)
    start(browser, LONG)
    start(browser, LONG, "gpu")
    before = state_of(hub, LONG), state_of(hub, LONG, "gpu")
    assert all(len(state["object_name"]) <= 63 for state in before)
    hub.restart()
    assert {name: server["ready"] for name, server in browser.model()["servers"].items()} == {"": True, "gpu": True}
    assert (state_of(hub, LONG), state_of(hub, LONG, "gpu")) == before


def test_a_server_that_runs_when_the_hub_is_upgraded_keeps_its_service_and_no_other_server_takes_it(hub: HubProcess) -> None:
    browser = signed_in(hub, "eve")
    start(browser, "eve", "GPU")
    hub.stop()
    kept = {"object_id": "id-of-jupyter-eve--gpu", "object_name": "jupyter-eve--gpu"}
    rows(hub, "UPDATE spawners SET state = ? WHERE name = 'GPU'", json.dumps(kept))
    hub.start()
    start(browser, "eve", "gpu")
    assert state_of(hub, "eve", "GPU") == kept
    assert state_of(hub, "eve", "gpu")["object_name"].startswith("jupyter-eve-gpu--")
    for name in ("GPU", "gpu"):
        remove(hub, browser, "eve", name)
        start(browser, "eve", name)
    assert state_of(hub, "eve", "gpu")["object_name"] == "jupyter-eve--gpu"
    assert state_of(hub, "eve", "GPU")["object_name"].startswith("jupyter-eve-gpu--")


def redirections(hub: HubProcess) -> dict[str, str]:
    """Where each OAuth client sends its users back to."""
    return dict(rows(hub, "SELECT identifier, redirect_uri FROM oauth_clients WHERE identifier != 'jupyterhub'"))


def test_a_named_server_takes_nobodys_oauth_client(hub: HubProcess) -> None:
    start(signed_in(hub, "a-b"), "a-b")
    start(signed_in(hub, "a"), "a", "b")
    found = redirections(hub)
    assert found["jupyterhub-user-a-b"] == "/user/a-b/oauth_callback"
    assert found["jupyterhub-user-a!b"] == "/user/a/b/oauth_callback"


def test_a_named_server_that_runs_when_the_hub_is_upgraded_keeps_its_oauth_client(hub: HubProcess) -> None:
    browser = signed_in(hub, "flo")
    start(browser, "flo", "lab-2")
    hub.stop()
    rows(hub, "UPDATE spawners SET oauth_client_id = ? WHERE name = 'lab-2'", "jupyterhub-user-flo-lab-2")
    rows(
        hub, "UPDATE oauth_clients SET identifier = ? WHERE identifier = 'jupyterhub-user-flo!lab-2'", "jupyterhub-user-flo-lab-2"
    )
    hub.start()
    assert redirections(hub)["jupyterhub-user-flo-lab-2"] == "/user/flo/lab-2/oauth_callback"
    remove(hub, browser, "flo", "lab-2")
    assert "jupyterhub-user-flo-lab-2" not in redirections(hub)
    start(browser, "flo", "lab-2")
    assert redirections(hub)["jupyterhub-user-flo!lab-2"] == "/user/flo/lab-2/oauth_callback"


def test_a_request_for_a_server_that_is_no_object_keeps_no_hub_from_starting(hub: HubProcess) -> None:
    browser = signed_in(hub, "gil")
    for number, sent in enumerate(([1], "gpu", 5, True)):
        answer = browser.api("POST", f"users/gil/servers/odd-{number}", sent)
        assert answer.status_code == 201, answer.text
    hub.restart()
    assert all(server["ready"] for server in browser.model()["servers"].values())
    assert browser.api("DELETE", "users/gil/servers/odd-0").status_code == 204
    start(browser, "gil", "odd-0")
