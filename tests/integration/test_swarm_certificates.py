"""Certificates of a swarm's nodes, on real engines: ten years, also on swarms that exist; and what follows one that has ended."""

from __future__ import annotations

import pytest

from components import swarm_commands
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND
from tests.integration.swarm_machines import BEGIN, ROTATING, SERVICE, Pair, wait_until

pytest_plugins = ("tests.integration.swarm_machines",)
CERTIFICATES, TOKEN = swarm_commands.certificates(), swarm_commands.worker_token()
TEN_YEARS = range(3645, 3652)  # days
STATUS = swarm_commands.status(["manager-0", "worker-0"])


def test_nodes_of_a_new_swarm_have_certificates_for_ten_years_from_the_first_day_on(pair: Pair) -> None:
    swarm = pair.manager.shell(BEGIN)
    assert pair.manager.days_left() in TEN_YEARS
    pair.join()
    assert pair.worker.days_left() in TEN_YEARS
    token = pair.manager.shell(TOKEN)
    assert (pair.manager.shell(BEGIN), pair.manager.shell(CERTIFICATES)) == (swarm, "")
    assert pair.manager.shell(TOKEN) == token  # nothing was renewed again
    end = pair.manager.certificate.not_valid_after_utc.date()
    assert pair.manager.shell(STATUS) == f"2 nodes ready, certificates end on {end}"


def test_a_swarm_that_exists_gets_them_while_its_servers_run(pair: Pair) -> None:
    pair.make_swarm()
    pair.manager.docker(*SERVICE, "--name", "notebook", "--mode", "global", IMAGE, *WAIT_COMMAND)
    wait_until("two tasks", lambda: all(len(machine.names("container")) == 1 for machine in pair))
    containers = [machine.docker("ps", "--no-trunc", "--quiet") for machine in pair]
    assert all(machine.days_left() in (89, 90) for machine in pair)
    with pytest.raises(AssertionError, match=r"! certificates end on .*, and a deployment that is off then does not come back"):
        pair.manager.shell(STATUS)
    old, swarm = pair.request(), pair.manager.shell(BEGIN)
    assert pair.request() == old  # workers that join now have the token still
    pair.manager.shell(CERTIFICATES)
    assert all(machine.days_left() in TEN_YEARS for machine in pair)
    assert [machine.docker("ps", "--no-trunc", "--quiet") for machine in pair] == containers
    renewed = pair.request()
    for line in (BEGIN, CERTIFICATES):
        pair.manager.shell(line)
    assert (pair.request(), pair.join()) == (renewed, pair.worker.info("NodeID"))
    pair.worker.docker("swarm", "leave")
    with pytest.raises(AssertionError, match=r"fingerprint"):
        pair.worker.shell(swarm_commands.join(swarm, 5), old)
    pair.join()
    assert pair.worker.days_left() in TEN_YEARS


def test_the_renewal_waits_for_a_worker_that_is_away_and_goes_on_by_itself(pair: Pair) -> None:
    pair.make_swarm()
    pair.worker.switch_off()
    wait_until("the worker to be down", lambda: ("worker-0", "Down", "Active") in pair.nodes().values())
    assert pair.manager.shell(f"{swarm_commands.certificates(5)} 2>&1").splitlines()[1] == (
        f"worker-0 Down ({pair.worker.certificate.subject.rfc4514_string().split(',')[0].removeprefix('CN=')})"
    )
    with pytest.raises(AssertionError, match=r"worker-0 is down .*; certificates are being renewed"):
        pair.manager.shell(STATUS)
    pair.manager.shell(f"{swarm_commands.certificates(1)}")  # the next `up`
    pair.worker.switch_on()
    wait_until("the renewal to end", lambda: pair.manager.shell(ROTATING) == "false")
    assert all(machine.days_left() in TEN_YEARS for machine in pair)


def test_a_renewal_that_is_interrupted_is_finished_by_the_next_up(pair: Pair) -> None:
    pair.make_swarm()
    pair.manager.shell(f"timeout 0.7 {CERTIFICATES} || true")
    pair.manager.shell(CERTIFICATES)
    assert all(machine.days_left() in TEN_YEARS for machine in pair)
    assert pair.manager.shell(ROTATING) == "false"


def test_after_a_summer_on_the_shelf_the_swarm_is_taken_up_with_all_that_it_holds(pair: Pair) -> None:
    pair.make_swarm()
    ca = pair.take_ca()
    pair.manager.docker("secret", "create", "cookies", "-", stdin=b"secret")
    pair.manager.docker("network", "create", "--driver", "overlay", "notebooks")
    hub = ("--name", "hub", "--secret", "cookies", "--network", "notebooks", "--constraint", "node.role==manager")
    pair.manager.docker(*SERVICE, *hub, IMAGE, *WAIT_COMMAND)
    wait_until("the hub to run", lambda: len(pair.manager.names("container")) == 1)
    swarm, worker = pair.manager.info("Cluster.ID"), pair.worker.info("NodeID")
    known = [pair.manager.inspect(kind, name)["ID"] for kind, name in (("service", "hub"), ("secret", "cookies"))]
    pair.manager.shell(swarm_commands.keep_admitted(worker, "worker-0", "owner"))
    pair.shelve()
    for machine in pair:
        machine.let_certificate_end(ca)
        machine.switch_on()
    assert [machine.info("LocalNodeState") for machine in pair] == ["error", "error"]
    with pytest.raises(AssertionError, match=r"! error: .*certificate .* not valid after"):
        pair.manager.shell(STATUS)

    assert pair.manager.shell(BEGIN) == swarm
    node = pair.join()
    assert pair.manager.shell(swarm_commands.keep_admitted(node, "worker-0", "owner")) == node
    pair.manager.shell(CERTIFICATES)

    assert [pair.manager.inspect(kind, name)["ID"] for kind, name in (("service", "hub"), ("secret", "cookies"))] == known
    wait_until("the hub to run again", lambda: len(pair.manager.names("container")) == 1)
    assert node != worker
    assert pair.nodes() == {
        pair.manager.info("NodeID"): ("manager-0", "Ready", "Active"),
        node: ("worker-0", "Ready", "Active"),  # as its predecessor was
    }
    assert all(machine.days_left() in TEN_YEARS for machine in pair)
    assert pair.manager.shell(STATUS).startswith("2 nodes ready, ")


def test_taking_it_up_can_be_interrupted_at_its_worst_moment(pair: Pair) -> None:
    pair.make_swarm()
    ca = pair.take_ca()
    pair.manager.docker("secret", "create", "cookies", "-", stdin=b"secret")
    pair.shelve()
    pair.manager.let_certificate_end(ca)
    pair.manager.switch_on()
    state = pair.manager.socket.parent / "data-root" / "swarm" / "docker-state.json"
    pair.manager.switch_off()
    state.rename(f"{state}.ended")  # and then the connection breaks
    pair.manager.switch_on()
    pair.manager.shell(BEGIN)
    assert pair.manager.names("secret") == ["cookies"]


def test_a_manager_with_another_error_is_left_alone(pair: Pair) -> None:
    pair.make_swarm()
    pair.manager.docker("secret", "create", "cookies", "-", stdin=b"secret")
    pair.shelve()
    (pair.manager.socket.parent / "data-root" / "swarm" / "certificates" / "swarm-node.key").write_text("damaged")
    pair.manager.switch_on()
    wait_until("an error", lambda: pair.manager.info("LocalNodeState") == "error")
    with pytest.raises(AssertionError, match="Docker cannot take the swarm up, and nothing was changed"):
        pair.manager.shell(BEGIN)
