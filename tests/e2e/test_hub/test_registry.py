"""A private notebook image comes to the workers from the swarm's own registry, which opens to nobody without its password."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from components.image_source import ImageSource
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.stack import ROOT

IMAGE = "127.0.0.1:5000/team/lab:1"
# As widely used notebook images have one, only that this one never succeeds: it would end the server after some ten seconds.
CHECK = "HEALTHCHECK --interval=3s --timeout=1s --start-period=3s --retries=3 CMD false"
WELL_BEYOND_S = 60
STATUS = "curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:5000/v2/"


@pytest.fixture(scope="module")
def password(deployment: Deployment) -> Iterator[str]:
    """The registry's, with the registry in place."""
    with deployment.own_settings() as stack:
        stack.set("registry", "internal")
        stack.up()
        found = re.search(r"password (\w+)", stack.outputs()["registry"])
        assert found is not None
        yield found[1]


def test_a_pushed_image_is_what_the_workers_start_and_its_own_check_ends_no_server(deployment: Deployment, password: str) -> None:
    manager, stack = deployment.manager, deployment.stack
    assert manager.run("sh", "-c", STATUS) == "401"
    built = ImageSource.parse(stack.get("notebookImage"), ROOT).reference
    manager.run("sh", "-c", f"echo {password} | docker login --username jupyterhub --password-stdin 127.0.0.1:5000")
    build = f"printf '%s\\n' 'FROM {built}' '{CHECK}' | DOCKER_BUILDKIT=0 docker build --quiet --tag {IMAGE} -"
    manager.run("sh", "-c", f"{build} && docker push --quiet {IMAGE} && docker rmi {IMAGE}", limit_s=900)
    manager.run("docker", "logout", "127.0.0.1:5000")
    stack.set("notebookImage", IMAGE)
    stack.up()
    user = deployment.sign_in(f"{PREFIX}private")
    user.start()
    try:
        service = f"jupyter-{user.name}"
        image = manager.run("docker", "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", service)
        assert image.strip() == IMAGE
        assert manager.node_of(service) == "worker-0"
        kernel = user.open_kernel()
        assert kernel.value(f"__import__('time').sleep({WELL_BEYOND_S}) or 6*7", limit_s=2 * WELL_BEYOND_S) == "42"
        kernel.close()
    finally:
        user.stop()
    changes = stack.up("--refresh")
    assert set(changes.counts) == {"same"}, str(changes)
