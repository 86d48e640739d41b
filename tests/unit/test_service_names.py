"""services/hub/service_names.py, through the spawner: each server has its own service, under a name that Swarm and DNS take."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from dockerspawner import SwarmSpawner
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.hub.service_names import oauth_client_id
from services.hub.swarm_spawner import NotebookSpawner

LONG = "firstname.lastname@cs.example-university.ac.uk"
# Swarm's own rule (swarmkit, manager/controlapi/common.go), and that of a label in DNS (RFC 1123), in one.
SWARM, LABEL = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*"), re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
ANY_NAME = st.text(min_size=1, max_size=80)
# Pairs that are likely to meet: few letters, both cases, and whatever the mapping gives a meaning to.
CLOSE_NAME = st.text(alphabet="abAB01-_@é\x01\x0f\x1f", min_size=1, max_size=4)
PAIR, CLOSE_PAIR = st.tuples(ANY_NAME, st.just("") | ANY_NAME), st.tuples(CLOSE_NAME, st.just("") | CLOSE_NAME)
HASH = "0123456789abcdef01234567"


def made(kind: Any, user: str, server: str = "", **settings: Any) -> Any:
    """A spawner of this class."""
    return kind(user=SimpleNamespace(name=user), orm_spawner=SimpleNamespace(name=server, server=None), **settings)


def name_of(user: str, server: str = "", **settings: Any) -> str:
    """The service's name by the project's spawner."""
    return str(made(NotebookSpawner, user, server, **settings).service_name)


def name_in_dockerspawner(user: str, server: str = "", **settings: Any) -> str:
    """The service's name by the class that the project's is made from, which gave it alone before."""
    return str(made(SwarmSpawner, user, server, **settings).service_name)


@given(PAIR)
@example((LONG, ""))
@example((LONG, "gpu"))
@example(("x" * 255, "y" * 100))
@example(("李雷", "é" * 40))
def test_every_name_is_one_that_swarm_and_dns_take(pair: tuple[str, str]) -> None:
    name = name_of(*pair)
    assert SWARM.fullmatch(name), name
    assert LABEL.fullmatch(name), name
    assert len(name) <= 63


@given(PAIR, PAIR)
@example((LONG, ""), (LONG, "gpu"))
@example(("x" * 60, ""), ("x" * 61, ""))
def test_two_servers_never_share_a_service(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert name_of(*one) != name_of(*other)


@given(CLOSE_PAIR, CLOSE_PAIR)
@example(("ada", "GPU"), ("ada", "gpu"))
@example(("a--b", ""), ("a", "b"))
@example(("a-b", ""), ("a", "b"))
@example(("a", "b--c"), ("a--b", "c"))
@example(("a", "-2db"), ("a", "-b"))
@example(("a\x01f", ""), ("a\x1f", ""))
@example(("a", "K"), ("a", "\u212a"))
def test_servers_whose_names_look_alike_do_not_share_one_either(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert name_of(*one) != name_of(*other)


@given(PAIR)
def test_a_server_that_is_named_like_the_service_of_another_gets_another_service(pair: tuple[str, str]) -> None:
    hashed = name_of(*pair)
    assume(hashed != name_in_dockerspawner(*pair))
    user, _, digits = hashed.removeprefix("jupyter-").rpartition("--")
    assert name_of(user, digits) != hashed


@given(st.from_regex(r"\A[a-z0-9._@-]{1,12}\Z"), st.from_regex(r"\A[a-z0-9 ._-]{0,9}\Z"))
@example("ada", "")
@example("ada@example.org", "")
@example("ada", "gpu")
@example("x" * 55, "")
def test_what_fitted_keeps_the_name_that_it_had(user: str, server: str) -> None:
    before = name_in_dockerspawner(user, server)
    assume(len(before) <= 63)
    assert name_of(user, server) == before


def test_names_that_the_suites_and_people_know_are_as_they_were() -> None:
    assert name_of("ada") == "jupyter-ada"
    assert name_of("ada", "gpu") == "jupyter-ada--gpu"
    assert name_of("ada@example.org") == "jupyter-ada-40example-2eorg"
    assert name_of("ada", prefix="lab") == "lab-ada"
    assert name_of("ada", name_template="{username}-of-physics") == "ada-of-physics"


def test_any_other_name_keeps_a_part_to_read_and_never_changes() -> None:
    assert name_of(LONG) == "jupyter-firstname-lastname-cs-example--373c8c49b5aa4ca407871058"
    assert re.fullmatch("jupyter-ada-gpu--[0-9a-f]{24}", name_of("ada", "GPU"))
    assert re.fullmatch("jupyter-ada-0123456789abcdef01234567--[0-9a-f]{24}", name_of("ada", HASH))
    assert re.fullmatch("jupyter--[0-9a-f]{24}", name_of("李" * 30))


def with_others(spawner: Any, *others: Any) -> Any:
    """The spawner of a user who has others, too."""
    spawner.user.spawners = {one.name: one for one in (spawner, *others)}
    return spawner


def test_a_server_that_runs_keeps_its_name_over_an_upgrade_and_nobody_else_gets_it() -> None:
    # Made by dockerspawner's rule, which lowers the names of servers.
    state = {"object_id": "id-of-the-service", "object_name": name_in_dockerspawner("ada", "GPU")}
    running = made(NotebookSpawner, "ada", "GPU")
    running.load_state(state)
    assert (running.service_name, running.get_state()["object_name"]) == ("jupyter-ada--gpu", "jupyter-ada--gpu")
    assert with_others(made(NotebookSpawner, "ada", "gpu"), running).service_name != "jupyter-ada--gpu"
    stopped = made(NotebookSpawner, "ada", "GPU")
    stopped.load_state({})
    assert with_others(made(NotebookSpawner, "ada", "gpu"), stopped).service_name == "jupyter-ada--gpu"


@given(CLOSE_PAIR, CLOSE_PAIR)
@example(("a-b", ""), ("a", "b"))
@example(("a", "b-c"), ("a-b", "c"))
@example(("a", "b"), ("a!b", ""))
def test_two_servers_never_share_an_oauth_client(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert oauth_client_id(*one) != oauth_client_id(*other)


@pytest.mark.parametrize("user", ["ada", "ada@example.org", "a-b", "李雷"])
def test_the_oauth_client_of_a_default_server_is_jupyterhubs_own(user: str) -> None:
    assert re.fullmatch(r"jupyterhub-user-[A-Za-z0-9%_.~-]+", oauth_client_id(user, ""))
