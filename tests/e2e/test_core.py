"""Suite `core`: people get a notebook on a worker, and nothing that an operator does takes it away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e import browser
from tests.e2e.conftest import Witness
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.health import check
from tests.e2e.hub_client import HubUser, SignInRefusedError, sign_in
from tests.e2e.waiting import wait_for

RESTART_LIMIT = 420  # seconds, for a hub on an emulated machine
# The hub looks at running servers every 30 s; a server whose machine went is noticed at the next look.
NOTICE_LIMIT = 180
STEP_LIMIT = 600


@pytest.fixture(scope="module")
def second(deployment: Deployment) -> Iterator[HubUser]:
    """A second user, whose server may be anywhere."""
    user = deployment.sign_in(f"{PREFIX}ben")
    yield user
    user.stop()


@pytest.fixture
def newcomer(deployment: Deployment) -> Iterator[str]:
    """The name of a person who was never here: JupyterLab would bring back the open tabs of an earlier visit."""
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    yield name
    deployment.sign_in(name).stop()


def test_a_wrong_password_is_refused(deployment: Deployment) -> None:
    with pytest.raises(SignInRefusedError, match="Invalid username or password"):
        sign_in(deployment.url, f"{PREFIX}mallory", "not the password", verify=deployment.verify)


def test_a_server_runs_on_the_worker_and_its_kernel_computes(deployment: Deployment, witness: Witness) -> None:
    node = deployment.manager.node_of(witness.service)
    managers = {node.name for node in deployment.manager.nodes() if node.is_manager}
    assert node == "worker-0"
    assert node not in managers
    assert witness.kernel.value("5*4") == "20"
    assert witness.kernel.value("__import__('os').environ['NODE_NAME']") == repr(node)


def test_a_person_signs_in_and_runs_a_cell_in_jupyterlab(deployment: Deployment, newcomer: str) -> None:
    name = newcomer
    with browser.open_page(deployment.artefacts) as page:
        browser.sign_in(page, deployment.url, name, deployment.password)
        page.wait_for_url(f"**/hub/spawn-pending/{name}**")
        expect(page.locator("#progress-message")).not_to_be_empty()
        page.screenshot(path=deployment.artefacts / "spawning.png")
        page.wait_for_url(f"**/user/{name}/lab**", timeout=browser.SPAWN_LIMIT * 1000)
        browser.open_notebook(page)
        code = "import os; print('this notebook runs on', os.environ['NODE_NAME'])"
        browser.run_cell(page, code, "this notebook runs on worker-0")
        page.screenshot(path=deployment.artefacts / "jupyterlab.png")


def test_a_restart_of_the_hub_leaves_kernels_running(deployment: Deployment, witness: Witness) -> None:
    witness.user.start()
    before = witness.user.server()
    deployment.manager.run("docker", "service", "update", "--force", "--quiet", "hub", limit_s=RESTART_LIMIT)
    wait_for("the hub to answer again", deployment.page_answers, limit_s=RESTART_LIMIT)
    after = wait_for("the hub to know the server", witness.user.server, limit_s=RESTART_LIMIT)
    assert before is not None
    assert (after["started"], after["ready"]) == (before["started"], True)
    witness.assert_unharmed()


def test_a_refresh_finds_no_change_twice(deployment: Deployment) -> None:
    for _ in range(2):
        changes = deployment.stack.up("--refresh")
        assert set(changes.counts) == {"same"}, str(changes)
        assert changes.names == {}


def test_a_second_worker_comes_and_nothing_else_changes(deployment: Deployment, witness: Witness) -> None:
    deployment.ensure_workers(1)
    before = set(deployment.stack.resource_names())
    changes = deployment.scale(2)
    assert set(changes.counts) == {"create", "same"}, str(changes)
    assert set(changes.names) == {"create"}
    assert all("worker-1" in name for name in changes.names["create"]), changes.names
    assert set(deployment.stack.resource_names()) - before == set(changes.names["create"])
    check(deployment)
    witness.assert_unharmed()


def test_the_second_user_lands_on_the_emptier_worker(deployment: Deployment, witness: Witness, second: HubUser) -> None:
    deployment.ensure_workers(2)
    assert deployment.manager.node_of(witness.service) == "worker-0"
    second.start()
    assert deployment.manager.node_of(f"jupyter-{second.name}") == "worker-1"


def test_back_to_one_worker_removes_only_the_second_and_the_home_comes_along(
    deployment: Deployment, witness: Witness, second: HubUser
) -> None:
    deployment.ensure_workers(2)
    second.start()
    kernel = second.open_kernel()
    assert kernel.run("open('kept.txt', 'w').write('still here')").error == ""
    kernel.close()
    before = set(deployment.stack.resource_names())
    changes = deployment.scale(1)
    assert set(changes.counts) == {"delete", "same"}, str(changes)
    assert all("worker-1" in name for name in changes.names["delete"]), changes.names
    assert before - set(deployment.stack.resource_names()) == set(changes.names["delete"])
    assert {node.name for node in deployment.manager.nodes()} == {"manager-0", "worker-0"}
    assert set(deployment.cloud.servers()) == {"dev-manager-0", "dev-worker-0"}
    check(deployment)
    witness.assert_unharmed()
    wait_for("the hub to notice that the server went with its worker", lambda: second.server() is None, limit_s=NOTICE_LIMIT)
    second.start()
    assert deployment.manager.node_of(f"jupyter-{second.name}") == "worker-0"
    kernel = second.open_kernel()
    assert kernel.value("open('kept.txt').read()") == repr("still here")
    kernel.close()
    second.stop()


def test_an_interrupted_up_is_finished_by_the_next(deployment: Deployment, witness: Witness) -> None:
    """Interrupted twice: while the machine is made, and while it is waited for."""
    deployment.ensure_workers(1)
    deployment.stack.set("workers", "2")
    for step in ("machines-worker-1", "workers-worker-1-ready"):
        running = deployment.stack.begin_up()
        running.wait_for_step("create", step, STEP_LIMIT)
        assert running.interrupt() != 0
    deployment.scale(2)
    check(deployment)
    witness.assert_unharmed()
    deployment.scale(1)
    check(deployment)
    witness.assert_unharmed()
