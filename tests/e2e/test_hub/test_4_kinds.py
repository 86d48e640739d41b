"""Kinds of servers on the lab: chosen on the spawn page, with limits that hold, and failures that say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.image_source import ImageSource
from tests.e2e.conftest import Witness
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import HubUser, SpawnFailedError
from tests.e2e.kernel import Kernel, KernelError
from tests.e2e.stack import ROOT
from tests.e2e.test_hub.conftest import PRIVATE_IMAGE

# Two servers are left alone meanwhile, for the tests of culling.
pytestmark = pytest.mark.usefixtures("unattended")

MIB = 1024**2
IMAGE_FIELD = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
WELL_BEYOND_S = 60  # what the image's check would need to end the server
START_LIMIT = 600  # seconds, for a start that fails on an emulated machine
REGISTRY_STATUS = "curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:5000/v2/"

# On the worker, by the notebook image's Python: an image leaves the node behind the program's back.
REMOVE_IMAGE = """
import http.client, socket
class Docker(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/docker.sock")
docker = Docker("docker")
docker.request("DELETE", "/images/%s?force=true")
answer = docker.getresponse()
assert answer.status == 200, answer.read()
"""


@pytest.fixture
def user(deployment: Deployment, kinds: list[dict[str, str]]) -> Iterator[HubUser]:
    """A person who may choose."""
    made = deployment.sign_in(f"{PREFIX}chooser")
    yield made
    made.stop()


@pytest.fixture
def kernel(user: HubUser) -> Iterator[Kernel]:
    """A kernel on a small server."""
    user.start(options={"profile": "Small"})
    made = user.open_kernel()
    yield made
    made.close()


def refusal(user: HubUser, profile: str) -> str:
    """What the spawn page shows of a server of that kind that does not start."""
    with pytest.raises(SpawnFailedError) as failed:
        user.start(START_LIMIT, options={"profile": profile})
    return str(failed.value)


def test_the_labels_and_profiles_are_clean_on_a_refresh(deployment: Deployment, kinds: list[dict[str, str]]) -> None:
    assert set(deployment.stack.up("--refresh").counts) == {"same"}


def test_a_private_image_comes_from_the_swarms_own_registry_and_its_own_check_ends_no_server(
    deployment: Deployment, user: HubUser
) -> None:
    assert deployment.manager.run("sh", "-c", REGISTRY_STATUS) == "401"
    user.start(options={"profile": "Private"})
    service = f"jupyter-{user.name}"
    image = deployment.manager.run("docker", "service", "inspect", "--format", IMAGE_FIELD, service)
    assert image.strip() == PRIVATE_IMAGE
    assert deployment.manager.node_of(service) == "worker-0"
    made = user.open_kernel()
    assert made.value(f"__import__('time').sleep({WELL_BEYOND_S}) or 6*7", limit_s=2 * WELL_BEYOND_S) == "42"
    made.close()
    user.stop()


def test_the_spawn_page_offers_every_kind_with_its_limits(user: HubUser, kinds: list[dict[str, str]]) -> None:
    page = user.page("hub/spawn")
    for number, profile in enumerate(kinds):
        assert f'name="profile" id="profile-{number}" value="{profile["name"]}"' in page
    assert "up to 0.5 CPUs, 0.4 GiB of memory" in page


def test_the_limits_of_a_kind_are_visible_in_the_notebook(kernel: Kernel) -> None:
    assert kernel.value("open('/sys/fs/cgroup/memory.max').read().strip()") == repr(str(400 * MIB))
    assert kernel.value("open('/sys/fs/cgroup/cpu.max').read().split()") == repr(["50000", "100000"])


def test_who_takes_too_much_memory_is_ended_alone(user: HubUser, kernel: Kernel, witness: Witness) -> None:
    witness.user.start()
    with pytest.raises(KernelError):
        kernel.run("kept = [b'x' * (50 * 1024**2) for _ in range(20)]", limit_s=120)
        kernel.value("len(kept)")
    assert user.request("GET", f"user/{user.name}/api").json()["version"]
    witness.assert_unharmed()


def test_a_start_tells_where_it_is(user: HubUser) -> None:
    told = [line.message for line in user.start(options={"profile": "Marked"})]
    assert "Started on worker-0; waiting for the notebook to answer" in told
    assert any(line.startswith(("Preparing the image", "Starting on worker-0")) for line in told)


def test_a_server_too_large_for_any_node_is_told_so(user: HubUser) -> None:
    text = refusal(user, "Huge")
    assert "512.0 GiB of memory" in text
    assert "the largest, worker-0, has" in text


def test_a_program_that_fails_is_told_with_the_end_of_its_log(user: HubUser) -> None:
    text = refusal(user, "Failing")
    assert "ended on worker-0 while it started" in text
    assert "ModuleNotFoundError: nothing here" in text


def test_an_image_for_another_processor_is_told(user: HubUser) -> None:
    assert "for another kind of processor than worker-0 has" in refusal(user, "Foreign")


def test_an_image_that_left_the_node_is_told(deployment: Deployment, user: HubUser, kinds: list[dict[str, str]]) -> None:
    notebook = ImageSource.parse(deployment.stack.get("notebookImage"), ROOT).reference
    (folder,) = (profile["image"] for profile in kinds if profile["name"] == "Missing")
    missing = ImageSource.parse(folder, ROOT).reference
    options = ["--name", "e2e-remove-image", "--restart-condition", "none", "--user", "0", "--detach", "--no-resolve-image"]
    options += ["--constraint", "node.role==worker", "--mount", "type=bind,source=/var/run/docker.sock,target=/docker.sock"]
    deployment.manager.run("docker", "service", "create", *options, notebook, "python3", "-c", REMOVE_IMAGE % missing)
    try:
        watch = "until docker service ps e2e-remove-image --format '{{.CurrentState}}' | grep -q '^Complete'; do sleep 1; done"
        deployment.manager.run("timeout", "150", "sh", "-c", watch)
    finally:
        deployment.manager.run("docker", "service", "rm", "e2e-remove-image")
    assert f"The image {missing} is not on worker-0 and could not be pulled" in refusal(user, "Missing")


def test_a_node_that_is_full_is_told_with_what_is_free(deployment: Deployment, user: HubUser, witness: Witness) -> None:
    """Of the worker's 2 GiB the witness has 200 MiB reserved (the first kind), and another service 700 MiB."""
    witness.user.start()
    notebook = ImageSource.parse(deployment.stack.get("notebookImage"), ROOT).reference
    options = ["--name", "e2e-large", "--reserve-memory", "700M", "--detach", "--no-resolve-image"]
    options += ["--constraint", "node.role==worker"]
    deployment.manager.run("docker", "service", "create", *options, notebook, "sleep", "infinity")
    try:
        text = refusal(user, "Half")
    finally:
        deployment.manager.run("docker", "service", "rm", "e2e-large")
    assert "No node has 1.2 GiB of memory" in text
    assert "after 20 s: worker-0 has" in text


def test_starts_and_stops_in_quick_turns_never_wedge(user: HubUser) -> None:
    for _ in range(2):
        user.start(options={"profile": "Small"})
        user.stop()
