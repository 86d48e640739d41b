"""The hub against programs in a notebook's place: what is sent to them opens nothing else, and what they answer does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.browser_session import BrowserSession
from tests.integration.culled_hub import CulledHub, runs, wait_until
from tests.integration.hub_process import SECRETS
from tests.integration.notebooks import Notebooks, Sent, kernels, running

# As earlier versions had it: a process with a token for everybody's server.
EARLIER = """
c.JupyterHub.services.append({"name": "idle-culler", "command": ["sh", "-c", "echo $JUPYTERHUB_API_TOKEN >earlier; sleep 600"]})
c.JupyterHub.load_roles.append(
    {"name": "idle-culler", "scopes": ["list:users", "delete:servers", "access:servers"], "services": ["idle-culler"]}
)
"""


@pytest.fixture
def notebooks() -> Iterator[Notebooks]:
    """The notebooks, for one test."""
    with running() as server:
        yield server


def opens(hub: CulledHub, token: str, name: str) -> list[str]:
    """What a token of the server of this name may beyond that server, by the hub's own words and deeds."""
    known = hub.api("GET", "user", token)
    if known.status_code != 200:
        return []
    own = f"access:servers!server={name}/"
    about_itself = ("read:services:name!service=", f"read:users:name!user={name}", f"users:activity!user={name}")
    beyond = [scope for scope in known.json()["scopes"] if scope != own and not scope.startswith((*about_itself, "read:users:"))]
    beyond += [scope for scope in known.json()["scopes"] if scope.startswith("read:users:") and f"!user={name}" not in scope]
    other = "ben" if name == "ada" else "ada"
    for method, path in (
        ("GET", "users"),
        ("GET", f"users/{other}"),
        ("POST", f"users/{other}/servers/second"),
        ("DELETE", f"users/{other}/server"),
        ("POST", f"users/{other}/tokens"),
        ("POST", f"users/{name}/tokens"),
        ("GET", "proxy"),
    ):
        answer = hub.api(method, path, token)
        if answer.status_code < 400:
            beyond.append(f"{method} {path}: {answer.status_code}")
    return beyond


def secrets_in(sent: Sent) -> list[str]:
    """Whatever could be a token in a request: each word of its headers, and of its path."""
    texts = [sent.path.replace("?", " ").replace("=", " ").replace("&", " "), *sent.headers.values()]
    return sorted({word for text in texts for word in text.split() if len(word) >= 16})


def test_no_token_that_reaches_a_server_opens_more_than_that_server(tmp_path: Path, notebooks: Notebooks) -> None:
    hub = CulledHub(tmp_path, notebooks)
    found: list[str] = []
    tokens: list[str] = []

    def spy(sent: Sent) -> tuple[int, Any]:
        tokens.append(sent.headers["Authorization"].removeprefix("token "))
        # While it is asked: later the token is gone.
        found.extend(f"{sent.path}: {one}" for word in secrets_in(sent) for one in opens(hub, word, sent.server))
        return kernels("idle")(sent)

    notebooks.answers |= {"ada": spy, "ben": kernels("busy")}
    try:
        ada, ben = hub.started("ada"), hub.started("ben")
        wait_until("ada's server was asked and is stopped", lambda: not runs(ada), hub.hub)
        assert not found
        assert tokens and runs(ben)
        # Nor does the server's own environment hold more.
        environment = hub.environment("ben")
        assert [one for value in environment.values() for one in opens(hub, value, "ben")] == []
        assert not set(SECRETS.values()) & set(environment.values())
        assert [hub.api("GET", "user", token).status_code for token in tokens] == [403] * len(tokens)
        known = {word for sent in notebooks.sent for word in secrets_in(sent)}
        assert not known & set(SECRETS.values())
        assert "discarding scopes" not in hub.hub.log()
    finally:
        hub.hub.stop()


def test_a_token_that_an_earlier_version_gave_away_opens_nothing_after_the_upgrade(tmp_path: Path, notebooks: Notebooks) -> None:
    before = CulledHub(tmp_path, notebooks, extra=EARLIER)
    given = tmp_path / "earlier"
    try:
        wait_until("the culler of before runs", given.is_file, before.hub)
        token = given.read_text().strip()
        assert before.api("GET", "users", token).status_code == 200
    finally:
        before.hub.stop()
    after = CulledHub(tmp_path, notebooks)
    try:
        assert after.api("GET", "users", token).status_code == 403
    finally:
        after.hub.stop()


def test_a_server_that_answers_without_measure_at_its_start_does_not_fill_the_hubs_memory(
    tmp_path: Path, notebooks: Notebooks
) -> None:
    size = 64 * 1024**2
    notebooks.greetings["ada"] = lambda _sent: (200, "x" * size)
    hub = CulledHub(tmp_path, notebooks, extra="c.Spawner.http_timeout = 5\n")
    try:
        user = BrowserSession(hub.hub.url)
        user.post("hub/login", username="ada", password=SECRETS["password"])
        before = hub.hub.peak_memory()
        user.api("POST", "users/ada/server")
        ended = ("never showed up", "seconds to start")
        wait_until("the start has come to an end", lambda: any(words in hub.hub.log() for words in ended), hub.hub)
        assert hub.hub.peak_memory() - before < size / 2
        assert not runs(user)
    finally:
        hub.hub.stop()
