"""Every home has a limit, from its first moment, whatever happens to what sets it."""

from __future__ import annotations

import statistics

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.homes import MIB, RUN, HomesNode, Person, disk, log, make_target, set_quota, write_mib

SMALL = 200 * MIB


def test_a_changed_size_reaches_a_running_server_at_the_next_up(deployment: Deployment, ada: Person) -> None:
    set_quota(deployment, "300M")
    assert disk(ada.kernel)["total"] == 300 * MIB
    set_quota(deployment, "200M")
    assert disk(ada.kernel)["total"] == SMALL
    assert ada.kernel.value("6*7") == "42"


def test_a_full_home_stops_its_own_user_only_and_locks_nobody_out(deployment: Deployment, ada: Person, ben: Person) -> None:
    set_quota(deployment, "200M")
    assert disk(ada.kernel)["total"] == SMALL
    assert "No space left on device" in write_mib(ada.kernel, "big", 300)
    assert disk(ada.kernel)["free"] < MIB
    assert write_mib(ben.kernel, "file", 50) == ""
    ada.stop()
    page = ada.user.page(f"hub/spawn/{ada.user.name}")
    assert "Your home is full" in page
    assert "200 of 200 MiB" in page
    ada.restart()
    assert ada.kernel.value("6*7") == "42"
    assert ada.kernel.value("open('big', 'rb').read(3)") == repr(bytes(3))
    ada.user.request("DELETE", f"user/{ada.user.name}/api/contents/big", 204)
    assert disk(ada.kernel)["free"] > 190 * MIB
    assert write_mib(ada.kernel, "small", 10) == ""
    ada.stop()
    assert "Your home is full" not in ada.user.page("hub/home")
    assert "Your home is full" not in ada.user.page(f"hub/spawn/{ada.user.name}")  # which starts the server
    ada.user.start()
    ada.kernel = ada.user.open_kernel()


def test_the_time_from_a_new_home_to_its_quota(node: HomesNode) -> None:
    waited = node.make([f"{PREFIX}{RUN}one{number}" for number in range(20)], at_once=False)
    log.info("from creation to quota, 20 homes one by one: median %.2f s", statistics.median(waited.values()))
    projects = node.projects()
    assert all(projects[home].limit_kib > 0 for home in waited)
    assert statistics.median(waited.values()) < 30


def test_thirty_new_users_at_once_each_get_a_project_and_a_limit_though_the_reconciler_is_killed(
    deployment: Deployment, node: HomesNode
) -> None:
    set_quota(deployment, "200M")
    # Killed for as long as homes wait: each time in the middle of something.
    node.root(
        "nohup bash -c 'for i in $(seq 40); do sleep 0.7; systemctl kill --signal=KILL jupyterhub-quotas.service; done' "
        ">/dev/null 2>&1 &"
    )
    names = [f"{PREFIX}{RUN} All {number}@example.org" for number in range(30)]
    waited = node.make(names, at_once=True)
    log.info("30 homes at once, with kills: the last after %.1f s", max(waited.values()))
    projects = node.projects()
    numbers = [projects[home].number for home in waited]
    assert len(set(waited)) == len(set(numbers)) == 30
    assert {projects[home].limit_kib for home in waited} == {SMALL // 1024}
    assert node.root("ls -A /srv/homes/new") == ""
    table = node.root("jupyterhub-storage users").splitlines()
    assert all(any(name in line for line in table) for name in names)


def test_make_users_shows_owners_and_make_status_that_all_is_well(deployment: Deployment, ben: Person) -> None:
    set_quota(deployment, "200M")
    assert write_mib(ben.kernel, "file", 50) == ""
    name = ben.user.name
    (line,) = (line for line in make_target(deployment, "users").splitlines() if line.startswith(name))
    used, limit, percent = line.split()[-3:]
    assert 50 <= float(used.removesuffix("M")) < 60
    assert limit == "200.0M"
    assert 25 <= int(percent) < 30
    status = make_target(deployment, "status")
    assert "quotas" in status
    assert "! " not in status


def test_a_size_of_a_name_with_capitals_is_its_users_and_one_of_nobody_is_told(deployment: Deployment, ben: Person) -> None:
    for name in (ben.user.name.upper(), "Nobody@example.org"):
        deployment.stack.set_entry(f'homeQuotas["{name}"]', "150M")
    deployment.stack.up()
    assert disk(ben.kernel)["total"] == 150 * MIB
    told = [line for line in make_target(deployment, "users").splitlines() if line.startswith("homeQuotas: ")]
    assert len(told) == 1
    assert "nobody has come by the name nobody@example.org yet" in told[0]
