"""The deployment under test, its parts in one place."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from tests.e2e.cloud import Cloud
from tests.e2e.hub_client import HubUser, sign_in
from tests.e2e.manager import Manager
from tests.e2e.running_up import Changes
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_for

log = logging.getLogger("e2e")

ADMIN = "admin"  # whom Pulumi.dev.yaml names as admin
# Users of the tests begin so, which tells them from people; they are removed afterwards.
PREFIX = "e2e"
# Names the suite's own folder for logs and screenshots in the environment of the tests; set by run.py.
ARTEFACTS = "E2E_ARTEFACTS"
ANSWER_LIMIT, HUB_LIMIT = 60, 420  # seconds, on an emulated machine


def passwords(outputs: dict[str, Any]) -> tuple[str, str]:
    """The one that all but the admin share, and the admin's own."""
    return str(outputs["password"]), str(outputs["adminPassword"])


class Deployment:
    """The stack, its manager, its cloud and its hub. `artefacts` is the folder for logs and screenshots.

    `verify` is what the site's certificate is held against, as requests takes it: the file of the site's own CA, or True.
    """

    def __init__(self, artefacts: Path) -> None:
        self.artefacts = artefacts
        self.stack = Stack(artefacts)
        outputs = self.stack.outputs()
        self.url = str(outputs["url"])
        self.password, self.admin_password = passwords(outputs)
        self.verify = self._trusted(str(outputs.get("caCertificate", "")))
        self.manager = Manager(str(outputs["ssh"]))
        self.cloud = Cloud(Path(self.stack.environment["OS_CLIENT_CONFIG_FILE"]), self.stack.get("openstack:cloud"))

    def sign_in(self, name: str) -> HubUser:
        """Sign a user in, with the password that all but the admin share in the lab."""
        return sign_in(self.url, name, self.admin_password if name == ADMIN else self.password, verify=self.verify)

    def page_answers(self) -> bool:
        """Whether the log-in page is there, through all proxies."""
        return self.get("hub/login").status_code == 200

    def get(self, address: str, limit_s: float = ANSWER_LIMIT) -> requests.Response:
        """What a stranger gets at an address relative to the site."""
        return requests.get(urljoin(self.url, address), timeout=limit_s, verify=self.verify)

    def _trusted(self, ca_certificate: str) -> bool | str:
        if not ca_certificate:
            return True
        file = self.artefacts / "ca.pem"
        file.write_text(ca_certificate, encoding="utf-8")
        return str(file)

    def node_names(self) -> list[str]:
        """The names of the nodes by the stack's outputs."""
        return [str(row["name"]) for row in self.stack.outputs()["nodes"]]

    def workers(self) -> int:
        """How many workers the stack has now."""
        return sum(row["role"] == "worker" for row in self.stack.outputs()["nodes"])

    def server_names(self) -> list[str]:
        """The names that the nodes' servers should have in the cloud."""
        return [f"{self.stack.name}-{node}" for node in self.node_names()]

    def scale(self, workers: int) -> Changes:
        """`pulumi config set workers N` and `pulumi up`; returns what it changed."""
        log.info("pulumi config set workers %d; pulumi up", workers)
        self.stack.set("workers", str(workers))
        changes = self.stack.up()
        log.info("done: %s", changes)
        return changes

    def ensure_workers(self, workers: int) -> None:
        """Scale, unless the stack has that many workers: a test's starting point, whatever the one before left."""
        if not self.stack.settled:
            self.stack.repair()
        if not self.stack.settled or self.workers() != workers:
            self.scale(workers)

    @contextlib.contextmanager
    def own_settings(self) -> Iterator[Stack]:
        """The stack for a test's own settings. Afterwards it has those of the checkout again, also where setting them failed:
        then the next `up` brings them."""
        try:
            yield self.stack
        finally:
            self.stack.restore_settings()
        log.info("back to the settings of the checkout: %s", self.stack.up())
        # Those of before are gone where people signed in another way meanwhile.
        self.password, self.admin_password = passwords(self.stack.outputs())
        self.wait_for_hub()

    def wait_for_hub(self) -> None:
        """Wait until the log-in page is there."""
        wait_for(f"{self.url}hub/login to answer", self.page_answers, limit_s=HUB_LIMIT)

    def remove_users(self) -> None:
        """Stop the servers of the tests' users and delete these users."""
        self.wait_for_hub()
        admin = self.sign_in(ADMIN)
        for model in admin.request("GET", "hub/api/users").json():
            if str(model["name"]).startswith(PREFIX):
                admin.stop(model["name"])
                admin.delete_user(model["name"])
