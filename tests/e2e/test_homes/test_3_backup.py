"""What was deleted comes back."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.deployment import ADMIN, PREFIX, Deployment
from tests.e2e.homes import RUN, HomesNode, Person, checksum, make_target

REPOSITORY = f"/var/backups/homes-{RUN}"  # one that is there has another run's password
# With the hub's own code.
KEEP = """
import sys
from pathlib import Path
sys.path.insert(0, "/etc/jupyterhub")
from services.hub.home_volumes import HUB_FOLDER
from services.hub.kept_database import KeptDatabase
KeptDatabase(Path("/var/lib/jupyterhub/jupyterhub.sqlite"), Path(HUB_FOLDER) / "hub").keep()
"""


def test_what_is_deleted_comes_back_from_the_backup(deployment: Deployment, node: HomesNode, ada: Person) -> None:
    user, kernel = ada.user, ada.kernel
    assert kernel.run("import os; os.makedirs('deep/er'); open('deep/er/a', 'wb').write(os.urandom(3 << 20))").error == ""
    assert kernel.run("open('b é.txt', 'w').write('b')").error == ""
    before = checksum(kernel)
    deployment.stack.set_entry("backup.repository", REPOSITORY)
    deployment.stack.set_secret("backupPassword", uuid.uuid4().hex)
    deployment.stack.up()
    node.root("systemctl start jupyterhub-backup.service")
    assert kernel.run("import shutil; shutil.rmtree('deep'); os.unlink('b é.txt')").error == ""
    assert checksum(kernel) != before
    told = make_target(deployment, "restore", f"HOME={user.name}")
    side = told.strip().rsplit("/", 1)[1]
    assert side.startswith("restored-")
    assert checksum(kernel, side) == before
    assert checksum(kernel) != before
    make_target(deployment, "restore", f"HOME={user.name}", "IN_PLACE=yes", "SURE=yes", "RUNNING=yes")
    assert checksum(kernel) == before
    assert kernel.run("open('deep/er/new', 'w').write('the restored folder is the users own')").error == ""
    assert "good" in make_target(deployment, "status")


def test_accounts_come_back_from_the_backup(deployment: Deployment, node: HomesNode) -> None:
    user = deployment.sign_in(f"{PREFIX}{RUN}account")
    admin = deployment.sign_in(ADMIN)
    # The hub's own copy is made once an hour.
    node.in_hub(KEEP)
    node.root("systemctl start jupyterhub-backup.service")
    admin.delete_user(user.name)
    assert user.name not in {model["name"] for model in admin.request("GET", "hub/api/users").json()}
    make_target(deployment, "restore-hub")
    deployment.wait_for_hub()
    assert user.name in {model["name"] for model in deployment.sign_in(ADMIN).request("GET", "hub/api/users").json()}


def test_a_failed_backup_shows_in_make_status(deployment: Deployment, node: HomesNode) -> None:
    # Not an unreachable one: restic gives that a quarter of an hour to come back.
    node.root(f"cp -p {REPOSITORY}/config {REPOSITORY}.config && head -c 200 /dev/zero >{REPOSITORY}/config")
    try:
        with pytest.raises(AssertionError):
            node.root("systemctl start jupyterhub-backup.service")
        with pytest.raises(AssertionError, match="FAILED"):
            make_target(deployment, "status")
    finally:
        node.root(f"mv {REPOSITORY}.config {REPOSITORY}/config")
