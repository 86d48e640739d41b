"""The stack's passwords on the lab: what the outputs say opens, whatever has changed."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Witness
from tests.e2e.deployment import ADMIN, PREFIX, Deployment, passwords
from tests.e2e.hub_client import sign_in
from tests.e2e.running_up import Changes
from tests.e2e.stack import BUILD, ROOT

log = logging.getLogger("e2e")

SECRETS = ("docker", "secret", "ls", "--format", "{{.ID}} {{.Name}}")


@pytest.fixture
def another_connection(deployment: Deployment) -> Iterator[Changes]:
    """The same private key in another file with another comment: another `connection` for each remote command."""
    key = BUILD / "e2e" / "same_key"
    shutil.copyfile(ROOT / Path(deployment.stack.get("sshPrivateKeyFile")).expanduser(), key)
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-c", "-C", "another comment", "-P", "", "-f", str(key)], check=True)
    with deployment.own_settings() as stack:
        stack.set("sshPrivateKeyFile", str(key))
        changes = stack.up()
        log.info("another connection: %s", changes)
        yield changes


def test_another_connection_runs_every_line_again_and_changes_nothing(
    deployment: Deployment, witness: Witness, request: pytest.FixtureRequest
) -> None:
    witness.user.start()
    before, hub = passwords(deployment.stack.outputs()), deployment.manager.container_of("hub")
    secrets, nodes = deployment.manager.run(*SECRETS), deployment.manager.nodes()
    changes: Changes = request.getfixturevalue("another_connection")
    assert "hub-admin-password-text" in changes.names["update"]
    assert "replace" not in changes.counts, str(changes)
    everyone, admin = passwords(deployment.stack.outputs())
    assert (everyone, admin) == before
    assert deployment.manager.container_of("hub") == hub
    for name, password in (("password", everyone), ("admin-password", admin)):
        assert deployment.manager.run("docker", "exec", hub, "cat", f"/run/secrets/{name}") == password
    assert sign_in(deployment.url, ADMIN, admin, verify=deployment.verify).model()["admin"] is True
    assert sign_in(deployment.url, f"{PREFIX}ben", everyone, verify=deployment.verify).model()["admin"] is False
    assert (deployment.manager.run(*SECRETS), deployment.manager.nodes()) == (secrets, nodes)
    witness.assert_unharmed()
