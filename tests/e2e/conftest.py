"""Fixtures of all suites: the deployment, and a user whose running notebook must survive whatever the tests do."""

from __future__ import annotations

import logging
import os
import re
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.deployment import ARTEFACTS, PREFIX, Deployment
from tests.e2e.health import snapshot
from tests.e2e.hub_client import HubUser
from tests.e2e.kernel import Kernel
from tests.e2e.stack import BUILD

log = logging.getLogger("e2e")

_DEPLOYMENT = pytest.StashKey[Deployment]()


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A user with a running kernel that remembers a value. Whoever disturbs the kernel makes it forget."""

    user: HubUser
    kernel: Kernel
    value: str

    @property
    def service(self) -> str:
        """The swarm service of the user's server."""
        return f"jupyter-{self.user.name}"

    def assert_unharmed(self) -> None:
        """The kernel still knows its value, and its websocket has been open all the time."""
        assert self.kernel.broken == "", f"the websocket to the running kernel closed: {self.kernel.broken}"
        assert self.kernel.value("remembered") == repr(self.value)


@pytest.fixture(scope="session")
def deployment(pytestconfig: pytest.Config) -> Deployment:
    """The lab's deployment. run.py has checked that it is healthy."""
    made = Deployment(Path(os.environ.get(ARTEFACTS, BUILD / "e2e" / "by-hand")))
    pytestconfig.stash[_DEPLOYMENT] = made
    return made


@pytest.fixture(scope="session")
def witness(deployment: Deployment) -> Iterator[Witness]:
    """A user's server and kernel, started when a test first asks for them and used by all that follow."""
    user = deployment.sign_in(f"{PREFIX}ada")
    for line in user.start():
        log.info("%s: %s", user.name, line.message)
    kernel, value = user.open_kernel(), uuid.uuid4().hex
    output = kernel.run(f"remembered = {value!r}")
    assert output.error == ""
    yield Witness(user=user, kernel=kernel, value=value)
    kernel.close()
    user.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the swarm's state beside the other logs when a test fails, while it is as the test left it."""
    report = yield
    made = item.config.stash.get(_DEPLOYMENT, None)
    if report.failed and made is not None:
        path = made.artefacts / f"{re.sub('[^a-z0-9]+', '-', item.name)[:80]}-{report.when}.txt"
        path.write_text(f"{report.longreprtext}\n\n{snapshot(made)}", encoding="utf-8")
        log.error("failed; the state of the swarm is in %s", path)
    return report
