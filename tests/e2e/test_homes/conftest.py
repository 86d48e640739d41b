"""Fixtures of the suite `homes`: the node that holds them, and two people with servers, which take longest to come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.homes import HomesNode, Person


@pytest.fixture(scope="package")
def node(deployment: Deployment) -> Iterator[HomesNode]:
    """The node that holds the homes."""
    made = HomesNode(deployment)
    made.remove_test_homes()
    yield made
    if "machines-manager-0" in deployment.stack.resource_names():  # else a test has destroyed all
        HomesNode(Deployment(deployment.artefacts)).remove_test_homes()  # not `made`: the manager may be another by now


@pytest.fixture(scope="package")
def ada(deployment: Deployment, node: HomesNode) -> Iterator[Person]:
    """A person with a running server, for all tests until one destroys the deployment."""
    yield from _person(deployment, "ada")


@pytest.fixture(scope="package")
def ben(deployment: Deployment, node: HomesNode) -> Iterator[Person]:
    """Another one."""
    yield from _person(deployment, "ben")


def _person(deployment: Deployment, name: str) -> Iterator[Person]:
    person = Person.come(deployment, name)
    yield person
    person.kernel.close()
    if "machines-manager-0" in deployment.stack.resource_names():
        Deployment(deployment.artefacts).sign_in(person.user.name).stop()
