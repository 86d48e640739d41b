"""The storage node goes and comes back, and so does the whole deployment."""

from __future__ import annotations

import time

import pytest

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.health import check
from tests.e2e.homes import LIMIT, RUN, HomesNode, Person, log, make_target
from tests.e2e.hub_client import SpawnFailedError
from tests.e2e.running_up import StackError
from tests.e2e.waiting import wait_for

REBOOT_LIMIT = 900  # seconds


WRITER = """
import os, threading, time
stop, written = threading.Event(), [0]
def write():
    with open("log.txt", "a") as file:
        while not stop.is_set():
            file.write(f"{written[0]}\\n")
            file.flush()
            os.fsync(file.fileno())
            written[0] += 1
            time.sleep(0.1)
thread = threading.Thread(target=write)
thread.start()
"""


def test_a_write_goes_on_over_a_reboot_of_the_storage_node(deployment: Deployment, node: HomesNode, ada: Person) -> None:
    user, kernel = ada.user, ada.kernel
    assert kernel.run(WRITER).error == ""
    assert int(kernel.value("written[0]")) > 0
    booted = node.root("cat /proc/sys/kernel/random/boot_id")
    node.root("systemd-run --on-active=1 systemctl reboot")
    began = time.monotonic()
    wait_for("the storage node to be another boot", lambda: boot_id(node) not in ("", booted), limit_s=REBOOT_LIMIT, every_s=5)
    wait_for("the hub to answer", deployment.page_answers, limit_s=REBOOT_LIMIT)
    wait_for("the hub to know the server", user.server, limit_s=REBOOT_LIMIT)
    kernel.close()
    kernel.connect(LIMIT)
    count = int(kernel.value("written[0]"))
    wait_for("the write to go on", lambda: int(kernel.value("written[0]")) > count, limit_s=REBOOT_LIMIT)
    log.info("the write went on within %.0f s of the reboot", time.monotonic() - began)
    assert kernel.run("stop.set(); thread.join()", limit_s=LIMIT).error == ""
    assert kernel.value("[int(line) for line in open('log.txt')] == list(range(written[0]))") == "True"
    check(deployment)


def boot_id(node: HomesNode) -> str:
    """Which boot of the node this is, or an empty text while it is away."""
    try:
        return node.root("cat /proc/sys/kernel/random/boot_id", limit_s=60)
    except AssertionError:
        return ""


AWAY = "The storage of the homes does not answer"


def test_the_hub_restarts_without_the_storage_and_says_so_and_all_goes_on_when_it_is_back(
    deployment: Deployment, node: HomesNode, ada: Person
) -> None:
    user, kernel = ada.user, ada.kernel
    other = deployment.sign_in(f"{PREFIX}{RUN}hindered")
    node.root("systemctl stop nfs-server")
    try:
        deployment.manager.run("sudo", "systemctl", "restart", "hub-homes")  # as after a restart of the manager alone
        deployment.manager.run("docker", "service", "update", "--force", "--quiet", "hub", limit_s=LIMIT)
        deployment.wait_for_hub()
        wait_for("the pages to say it", lambda: AWAY in deployment.get("hub/login").text, limit_s=LIMIT)
        assert "Your server cannot start now" in other.page(f"hub/spawn/{other.name}")
        began = time.monotonic()
        with pytest.raises(SpawnFailedError, match=AWAY):
            other.start()
        log.info("a start without the storage failed after %.0f s", time.monotonic() - began)
        assert kernel.value("6*7") == "42"
        assert (user.server() or {}).get("ready")
        with pytest.raises(AssertionError, match="none can be started"):
            make_target(deployment, "status")
    finally:
        node.root("systemctl start nfs-server")
    wait_for("the pages to say nothing more", lambda: AWAY not in deployment.get("hub/login").text, limit_s=LIMIT)
    other.start()
    other.stop()
    assert kernel.run("open('after.txt', 'w').write('the outage')", limit_s=LIMIT).error == ""
    assert "served by" in make_target(deployment, "status")


def test_a_destroy_and_an_up_keep_homes_and_users(deployment: Deployment, node: HomesNode, ada: Person, ben: Person) -> None:
    assert ada.kernel.run("open('kept.txt', 'w').write('through a destroy')").error == ""
    for person in (ada, ben):
        person.stop()
    name = ada.user.name
    volumes, projects = deployment.stack.outputs()["volumes"], node.projects()
    with pytest.raises(StackError, match="protected"):
        deployment.stack.destroy()
    check(deployment)
    deployment.stack.destroy("--exclude-protected")
    assert deployment.cloud.servers() == {}
    deployment.stack.up()
    after = Deployment(deployment.artefacts)
    assert after.stack.outputs()["volumes"] == volumes
    admin = after.sign_in("admin")
    assert name in {str(model["name"]) for model in admin.request("GET", "hub/api/users").json()}
    ada.user = after.sign_in(name)
    ada.user.start()
    ada.kernel = ada.user.open_kernel()
    assert ada.kernel.value("open('kept.txt').read()") == repr("through a destroy")
    assert HomesNode(after).projects()[name].number == projects[name].number


def test_a_larger_volume_grows_under_a_running_server_and_is_given_up_only_when_asked(
    deployment: Deployment, ada: Person
) -> None:
    after = Deployment(deployment.artefacts)  # the one before may be another
    volumes = after.stack.outputs()["volumes"]
    after.stack.set("homesSize", "6")
    after.stack.up()
    assert after.cloud.volumes()[volumes["homes"]] == 6
    assert int(HomesNode(after).root("df --output=size -BM /srv/homes | tail -n 1").strip().removesuffix("M")) > 5500
    assert ada.kernel.run("open('after.txt', 'w').write('the growth')").error == ""
    ada.stop()
    # Also since it cannot shrink: what follows this suite begins with new volumes.
    after.stack.set("keepData", "false")
    after.stack.up()
    after.stack.destroy()
    assert after.cloud.servers() == {}
    assert set(volumes.values()).isdisjoint(after.cloud.volumes())
