"""A rehearsal of bad days of the backup: two stacks with one repository, a restore beside a prune, a repository that is gone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.homes import RUN, HomesNode, make_target
from tests.e2e.waiting import wait_for

REPOSITORY = f"/var/backups/rehearsal-{RUN}"
HOME = f"/srv/homes/users/e2e{RUN}backup"
LIMIT = 900  # seconds
# The node takes the place of another stack's for one program: another configuration, with another stack and volume.
AS_ANOTHER = """
cd /usr/local/lib/jupyterhub-swarm
python3 -S - <<'END'
import json, time
from pathlib import Path
from storage import backup, repository, restic, snapshots
ours = json.loads(restic.CONFIG.read_text())
Path("/run/another.json").write_text(json.dumps({**ours, "stack": "another", "volume": "another-volume"}))
other = restic.Restic(Path("/run/another.json"))
%s
END
rm -f /run/another.json
"""


@pytest.fixture(scope="module")
def node(deployment: Deployment) -> Iterator[HomesNode]:
    """The node that holds the homes, with a backup into a repository of this run's own, and one home in it."""
    made = HomesNode(deployment)
    made.root(f"install -d -o 1000 -g 100 {HOME} && head -c 20000000 /dev/urandom >{HOME}/large && echo kept >{HOME}/notes")
    made.root(f"chown -R 1000:100 {HOME} && jupyterhub-storage quotas || true")
    with deployment.own_settings() as stack:
        stack.set_entry("backup.repository", REPOSITORY)
        stack.set_secret("backupPassword", uuid.uuid4().hex)
        stack.up()
        yield made
    HomesNode(deployment).root(f"rm -rf {REPOSITORY}* {HOME}")


def back_up(node: HomesNode) -> None:
    node.root("systemctl start jupyterhub-backup.service", limit_s=LIMIT)


def whose(node: HomesNode) -> list[str]:
    """The stacks that have snapshots, one for each."""
    code = (
        "import json; from storage import restic, snapshots; made = restic.Restic(); "
        "print(json.dumps([snapshots.owner_of(one)[0] for one in snapshots.every(made)]))"
    )
    found: list[str] = json.loads(node.root(f"cd /usr/local/lib/jupyterhub-swarm && python3 -S -c {json.dumps(code)}"))
    return found


def test_two_stacks_with_one_repository_leave_each_other_alone(deployment: Deployment, node: HomesNode) -> None:
    back_up(node)
    node.root(AS_ANOTHER % "print(backup.back_up(other, checked=2**40))", limit_s=LIMIT)
    back_up(node)
    assert set(whose(node)) == {"another", deployment.stack.name}  # restic keeps the oldest, too, while there are few
    assert "stack another, volume another-volume" in make_target(deployment, "snapshots")
    assert "good" in make_target(deployment, "status")


def test_a_restore_beside_another_stacks_prune_ends_whole(deployment: Deployment, node: HomesNode) -> None:
    """Both at once, for as long as the restore takes: whoever is second waits for the other's lock."""
    prune = "other.run('prune', '--max-unused=0')"
    node.root(f"nohup bash -c {shell(AS_ANOTHER % prune)} >/run/prune.log 2>&1 & echo started")
    make_target(deployment, "restore", f"HOME={HOME.rpartition('/')[2]}")
    node.root(f"cmp {HOME}/large {HOME}/restored-*/large && cmp {HOME}/notes {HOME}/restored-*/notes && rm -r {HOME}/restored-*")
    wait_for("the prune to have ended", lambda: "Restic" not in node.root("pgrep -af another.json || true"), limit_s=LIMIT)
    assert "Error" not in node.root("cat /run/prune.log")


def shell(script: str) -> str:
    """A script as one word of a shell."""
    return "'" + script.replace("'", "'\\''") + "'"


def test_a_restore_in_place_keeps_what_is_newer_and_a_way_back(deployment: Deployment, node: HomesNode) -> None:
    home = HOME.rpartition("/")[2]
    node.root(f"echo newer >{HOME}/notes && rm {HOME}/large")
    with pytest.raises(AssertionError, match="nobody said yes"):
        make_target(deployment, "restore", f"HOME={home}", "IN_PLACE=yes")
    assert "1 were changed since and stay" in make_target(deployment, "restore", f"HOME={home}", "IN_PLACE=yes", "SURE=yes")
    assert node.root(f"stat -c %s {HOME}/large; cat {HOME}/notes").split() == ["20000000", "newer"]
    assert "before a restore" in make_target(deployment, "snapshots")
    make_target(deployment, "restore", f"HOME={home}", "IN_PLACE=yes", "NEWER=yes", "SURE=yes")
    assert node.root(f"cat {HOME}/notes") == "kept\n"


def test_a_repository_that_is_gone_is_an_error_until_somebody_accepts_it(deployment: Deployment, node: HomesNode) -> None:
    node.root(f"mv {REPOSITORY} {REPOSITORY}.away")
    with pytest.raises(AssertionError):
        back_up(node)
    with pytest.raises(AssertionError, match="make backup-accept"):
        make_target(deployment, "status")
    assert node.root(f"[ -e {REPOSITORY} ] || echo none") == "none\n"
    node.root(f"mv {REPOSITORY}.away {REPOSITORY}")
    back_up(node)
    assert "good" in make_target(deployment, "status")
    node.root(f"rm -rf {REPOSITORY}")
    assert "made the repository" in make_target(deployment, "backup-accept")
    back_up(node)
    assert whose(node) == [deployment.stack.name]
