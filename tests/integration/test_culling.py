"""Culling by the real hub: who is idle is stopped; who computes, does not say so, or cannot be known of, is not."""

from __future__ import annotations

import contextlib
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.integration.culled_hub import GAP_S, REPORTS_S, UNCLEAR_S, CulledHub, runs, wait_until
from tests.integration.notebooks import Notebooks, Sent, kernels, running, status

# A user proxy that has seen traffic of one server at the time in a file, and one that fails while there is a file.
SEEING_PROXY = """
class Seeing(RememberedRoutes):
    async def get_all_routes(self):
        routes, file = await super().get_all_routes(), pathlib.PosixPath({file!r})
        if file.exists() and "/user/passes/" in routes:
            routes["/user/passes/"]["data"]["last_activity"] = file.read_text()
        return routes
c.JupyterHub.proxy_class = Seeing
"""
BROKEN_PROXY = """
class Broken(RememberedRoutes):
    async def get_all_routes(self):
        if pathlib.PosixPath({file!r}).exists():
            raise TimeoutError("the proxy does not answer")
        return await super().get_all_routes()
c.JupyterHub.proxy_class = Broken
"""


def now() -> str:
    """The time as JupyterHub and the user proxy write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


class Hubs(Protocol):
    """Makes the hub of a test."""

    def __call__(self, **options: Any) -> CulledHub: ...


@pytest.fixture
def notebooks() -> Iterator[Notebooks]:
    """The notebooks, for one test."""
    with running() as server:
        yield server


@pytest.fixture
def hub_with(tmp_path: Path, notebooks: Notebooks) -> Iterator[Hubs]:
    """A hub that ends with the test."""
    with ExitStack() as ends:

        def made(**options: Any) -> CulledHub:
            hub = CulledHub(tmp_path, notebooks, **options)
            ends.callback(hub.hub.stop)
            return hub

        yield made


def test_an_idle_server_is_stopped_and_one_whose_kernel_computes_only_when_it_has_done(
    hub_with: Hubs, notebooks: Notebooks
) -> None:
    hub = hub_with()
    notebooks.answers["ben"] = kernels("busy")
    ada, ben = hub.started("ada"), hub.started("ben")
    wait_until("ada's server is stopped", lambda: not runs(ada), hub.hub)
    wait_until("ben's server is asked", lambda: notebooks.asked("ben"), hub.hub)
    assert {sent.path for sent in notebooks.asked("ben")} == {"/user/ben/api/kernels?no_track_activity=1"}
    seen = len(notebooks.asked("ben"))
    wait_until("ben's server is asked again", lambda: len(notebooks.asked("ben")) > seen, hub.hub)
    assert runs(ben)
    notebooks.answers["ben"] = kernels("idle")
    wait_until("ben's server is stopped", lambda: not runs(ben), hub.hub)


def test_only_a_clear_answer_stops_a_server_at_once_and_any_other_spares_it_for_a_time(
    hub_with: Hubs, notebooks: Notebooks
) -> None:
    hub = hub_with()
    unclear = {"u503": status(503), "u302": status(302), "u200": status(200)}
    # Unclear once, and then an answer, which begins the time anew.
    first = iter([status(403)])
    notebooks.answers |= unclear | {"none": status(404), "late": lambda sent: next(first, kernels("busy"))(sent)}
    people = {name: hub.started(name) for name in (*unclear, "late", "none")}
    wait_until("the server without kernels is stopped", lambda: not runs(people["none"]), hub.hub)
    assert len(notebooks.asked("none")) == 1
    for name in unclear:
        wait_until(f"{name} is stopped", lambda name=name: not runs(people[name]), hub.hub)  # type: ignore[misc]
        assert time.monotonic() - notebooks.asked(name)[0].at >= UNCLEAR_S
    assert runs(people["late"])


def test_nobody_is_stopped_after_an_outage_of_the_hub_before_reports_had_time_to_come(
    hub_with: Hubs, notebooks: Notebooks
) -> None:
    hub = hub_with(idle_s=8)
    notebooks.answers |= {"ada": kernels("busy"), "ben": kernels("busy")}
    ada, ben = hub.started("ada"), hub.started("ben")
    hub.hub.stop()
    notebooks.answers.clear()
    # For longer than a server may be idle, ada works on.
    away_since = time.monotonic()
    wait_until("the outage is long enough", lambda: time.monotonic() - away_since > 8, hub.hub)

    def ben_is_gone() -> bool:
        hub.report("ada")
        return not runs(ben)

    before_the_start = time.monotonic()
    hub.hub.start()
    wait_until("ben's server is stopped", ben_is_gone, hub.hub)
    assert time.monotonic() - before_the_start > REPORTS_S
    assert runs(ada), hub.hub.log()[-3000:]


def test_nobody_is_stopped_right_after_the_hub_was_suspended(hub_with: Hubs, notebooks: Notebooks) -> None:
    hub = hub_with()
    first = hub.started("first")
    # From then on the hub culls at once: by its database, ada is idle as soon as it has slept.
    wait_until("a first server is stopped", lambda: not runs(first), hub.hub)
    notebooks.answers["ada"] = kernels("busy")
    ada = hub.started("ada")
    hub.hub.signal(signal.SIGSTOP)
    notebooks.answers.clear()
    asleep_since = time.monotonic()
    wait_until("it slept for long", lambda: time.monotonic() - asleep_since > GAP_S + 4, hub.hub)
    awake = time.monotonic()
    hub.hub.signal(signal.SIGCONT)
    wait_until("ada's server is stopped in the end", lambda: not runs(ada), hub.hub)
    assert time.monotonic() - awake > REPORTS_S


def test_users_who_come_back_while_their_servers_are_asked_keep_them(
    tmp_path: Path, hub_with: Hubs, notebooks: Notebooks
) -> None:
    seen_by_proxy = tmp_path / "seen"
    hub = hub_with(extra=SEEING_PROXY.format(file=str(seen_by_proxy)))

    def reports(sent: Sent) -> tuple[int, Any]:
        hub.report("reports")
        return kernels("idle")(sent)

    def passes(sent: Sent) -> tuple[int, Any]:
        seen_by_proxy.write_text(now())
        return kernels("idle")(sent)

    notebooks.answers |= {"reports": reports, "passes": passes}
    notebooks.states["says"] = lambda _sent: (200, {"last_activity": now()})
    people = {name: hub.started(name) for name in ("reports", "passes", "says", "away")}
    wait_until("who is away is stopped", lambda: not runs(people["away"]), hub.hub)
    for name in ("reports", "passes", "says"):
        wait_until(f"{name} was asked twice", lambda name=name: len(notebooks.asked(name)) > 1, hub.hub)  # type: ignore[misc]
        assert runs(people[name]), hub.hub.log()[-3000:]


def test_nobody_is_stopped_while_the_user_proxy_does_not_answer(tmp_path: Path, hub_with: Hubs, notebooks: Notebooks) -> None:
    down = tmp_path / "down"
    hub = hub_with(extra=BROKEN_PROXY.format(file=str(down)))
    notebooks.answers["ada"] = kernels("busy")
    ada = hub.started("ada")
    down.touch()
    notebooks.answers.clear()
    seen = len(notebooks.asked("ada"))
    # An answer that was busy still may be on its way; the next ones are not.
    wait_until("ada's server was asked three times more", lambda: len(notebooks.asked("ada")) > seen + 2, hub.hub)
    assert runs(ada)
    down.unlink()
    wait_until("ada's server is stopped", lambda: not runs(ada), hub.hub)


def test_the_largest_age_stops_a_server_whatever_it_answers(hub_with: Hubs, notebooks: Notebooks) -> None:
    hub = hub_with(idle_s=600, max_age_s=8)
    notebooks.answers |= {"ada": kernels("busy"), "ben": status(503)}
    people = [hub.started("ada"), hub.started("ben")]
    wait_until("both are stopped", lambda: not any(map(runs, people)), hub.hub)
    assert not notebooks.asked("ada")


def test_a_server_with_an_odd_name_is_asked_and_stopped_like_any_other(hub_with: Hubs, notebooks: Notebooks) -> None:
    hub = hub_with()
    ada = hub.started("ada", "a%20b%3F%23%26%3D%21%25%C3%BC%20..")
    wait_until("both servers are stopped", lambda: not runs(ada), hub.hub)
    assert {sent.server for sent in notebooks.sent} == {"ada", "ada/a b?#&=!%ü .."}


def test_a_database_that_refuses_the_culler_costs_nobody_else_a_request(hub_with: Hubs, notebooks: Notebooks) -> None:
    hub = hub_with()
    notebooks.answers["ada"] = kernels("busy")
    hub.started("ada")
    wait_until("ada's server is asked", lambda: notebooks.asked("ada"), hub.hub)
    with contextlib.closing(sqlite3.connect(hub.hub.state, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait_until("the culler failed", lambda: re.search("Culler: .* failed", hub.hub.log()), hub.hub)
    answer = hub.api("GET", "user", hub.environment("ada")["JUPYTERHUB_API_TOKEN"])
    assert answer.status_code == 200, hub.hub.log()[-3000:]
