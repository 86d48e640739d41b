"""Nodes of the swarm: certificates for ten years, one that has ended, and a worker that leaves with something unwritten."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.e2e.conftest import Witness
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.health import check
from tests.e2e.homes import LIMIT, make_target
from tests.e2e.hub_client import HubUser
from tests.e2e.waiting import wait_for
from tools.storage import ssh_way

TEN_YEARS = timedelta(days=3640)
ENDS = "openssl x509 -noout -enddate -dateopt iso_8601 -in /var/lib/docker/swarm/certificates/swarm-node.crt"
ELEVEN_YEARS = 11 * 366 * 86400  # seconds
MIB = 48


@pytest.fixture
def second(deployment: Deployment) -> Iterator[HubUser]:
    """A person whose server lands on the emptier worker, `worker-1`."""
    user = deployment.sign_in(f"{PREFIX}leaving")
    yield user
    user.stop()


def on_worker(deployment: Deployment, name: str, script: str) -> str:
    """What a script prints that runs as root on a worker."""
    found = deployment.stack.outputs()
    rows = [{**row, "role": "storage"} for row in found["nodes"] if row["name"] == name]  # the way to any node behind the manager
    way = [*ssh_way({**found, "nodes": rows}), "sudo bash -eus"]
    done = subprocess.run(way, input=script, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 0, f"on {name}: {done.stderr[-800:]}"
    return done.stdout


def last_days(deployment: Deployment) -> list[date]:
    """Until when the certificates of the nodes are good."""
    answers = [deployment.manager.run("sudo", "sh", "-c", ENDS)]
    answers += [on_worker(deployment, f"worker-{number}", ENDS) for number in range(deployment.workers())]
    return [date.fromisoformat(found[0]) for found in (re.findall(r"\d{4}-\d{2}-\d{2}", answer) for answer in answers)]


def test_all_nodes_have_certificates_for_ten_years_and_the_status_says_so(deployment: Deployment) -> None:
    ends = last_days(deployment)
    assert min(ends) - datetime.now(UTC).date() > TEN_YEARS
    assert f"certificates end on {ends[0]}" in make_target(deployment, "status")


def test_a_swarm_of_ninety_days_gets_ten_years_while_a_kernel_computes(deployment: Deployment, witness: Witness) -> None:
    deployment.manager.run("docker", "swarm", "ca", "--rotate", "--quiet", "--cert-expiry", "2160h")
    try:
        with pytest.raises(AssertionError, match=r"certificates end on .* pulumi up --replace '\*\*::workers-certificates'"):
            make_target(deployment, "status")
    finally:
        deployment.stack.up("--replace", "**::workers-certificates")  # as the status says
    assert min(last_days(deployment)) - datetime.now(UTC).date() > TEN_YEARS
    witness.assert_unharmed()
    # The token is another one, and a worker joins all the same.
    deployment.scale(2)
    check(deployment)


def test_a_worker_whose_certificate_has_ended_comes_back_by_the_next_up(deployment: Deployment, witness: Witness) -> None:
    deployment.ensure_workers(2)
    before = deployment.manager.run("docker", "node", "inspect", "--format", "{{.ID}}", "worker-1")
    shift = "date --set @$(( $(date +%s) {} )) >/dev/null"
    clock = f"timedatectl set-ntp false || true; {shift.format(f'+ {ELEVEN_YEARS}')}; systemctl restart docker; "
    on_worker(deployment, "worker-1", f"{clock}{shift.format(f'- {ELEVEN_YEARS}')}; timedatectl set-ntp true || true")
    assert on_worker(deployment, "worker-1", "docker info --format '{{.Swarm.LocalNodeState}}'").strip() == "error"
    wait_for("worker-1 to be down", lambda: states(deployment) == ["Down"], limit_s=LIMIT)
    with pytest.raises(AssertionError, match="worker-1 is down"):
        make_target(deployment, "status")
    deployment.stack.up(*(flag for step in ("token", "join") for flag in ("--replace", f"**::workers-worker-1-{step}")))
    assert states(deployment) == ["Ready"]
    assert deployment.manager.run("docker", "node", "inspect", "--format", "{{.ID}}", "worker-1") != before
    make_target(deployment, "status")
    check(deployment)
    witness.assert_unharmed()


def states(deployment: Deployment) -> list[str]:
    """The states of all nodes named worker-1."""
    return [node.status for node in deployment.manager.nodes() if node.name == "worker-1"]


def test_what_a_leaving_worker_had_not_written_yet_is_in_the_home(
    deployment: Deployment, witness: Witness, second: HubUser
) -> None:
    deployment.ensure_workers(2)
    second.start()
    assert deployment.manager.node_of(f"jupyter-{second.name}") == "worker-1"
    kernel = second.open_kernel()
    # Open, and with the client's cache alone: nothing closes or syncs it before the server is told to end.
    assert (
        kernel.run(f"held = open('held.bin', 'wb', buffering=0); n = held.write(b'x' * ({MIB} << 20))", limit_s=LIMIT).error == ""
    )
    kernel.close()
    deployment.scale(1)
    assert set(deployment.cloud.servers()) == {"dev-manager-0", "dev-worker-0"}
    check(deployment)
    wait_for("the hub to notice that the server went", lambda: second.server() is None, limit_s=LIMIT)
    second.start()
    kernel = second.open_kernel()
    assert kernel.value("__import__('os').path.getsize('held.bin')") == str(MIB << 20)
    assert kernel.value("open('held.bin', 'rb').read().count(b'x')") == str(MIB << 20)
    kernel.run("__import__('os').remove('held.bin')")
    kernel.close()
    witness.assert_unharmed()
