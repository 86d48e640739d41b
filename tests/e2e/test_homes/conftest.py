"""Fixtures of the suite `homes`: the node that holds them, and people with servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.homes import RUN, HomesNode, Person
from tests.e2e.hub_client import HubUser
from tests.e2e.kernel import Kernel


@pytest.fixture(scope="module")
def node(deployment: Deployment) -> Iterator[HomesNode]:
    """The node that holds the homes."""
    made = HomesNode(deployment)
    made.remove_test_homes()
    yield made
    if "machines-manager-0" in deployment.stack.resource_names():  # else a test has destroyed all
        HomesNode(Deployment(deployment.artefacts)).remove_test_homes()  # not `made`: the manager may be another by now


@pytest.fixture
def person(deployment: Deployment) -> Iterator[Person]:
    """Signs a user in and starts a server with a kernel; all are stopped afterwards."""
    started: list[tuple[HubUser, Kernel]] = []

    def start(name: str) -> tuple[HubUser, Kernel]:
        user = deployment.sign_in(f"{PREFIX}{RUN}{name}")
        user.start()
        started.append((user, user.open_kernel()))
        return started[-1]

    yield start
    for user, kernel in started:
        kernel.close()
        user.stop()
