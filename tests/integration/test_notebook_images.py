"""What an image may bring along, on a real swarm: what of it counts, and what is told of an image that cannot be used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.hub.swarm_tasks import newest
from tests.integration.docker_engine import WAIT_COMMAND, DockerEngine
from tests.integration.starts import LIMIT_S, Spawners, node_name, start, told

pytest_plugins = ("tests.integration.spawner_fixtures",)

ODD = "tests/odd:1"
FAILING_CHECK = "HEALTHCHECK --interval=1s --timeout=1s --start-period=1s --retries=2 CMD false"
# Longer than the check needs to fail for good, several times.
WELL_BEYOND_S = 12


@pytest.fixture(scope="module", autouse=True)
def _empty_engine(docker_engine: DockerEngine) -> Iterator[None]:
    yield
    docker_engine.clear()


def container(spawner: Any, engine: DockerEngine) -> dict[str, Any]:
    """The server's container, as Docker shows it; those of tests before may not be gone yet."""
    task = newest(asyncio.run(spawner.tasks()))
    assert task is not None
    return engine.inspect("container", task["Status"]["ContainerStatus"]["ContainerID"])


def outcome(spawner: Any, within_s: float) -> Any:
    """What `poll` says once the server has ended, or None where it lives all the time."""

    async def look() -> Any:
        end = asyncio.get_running_loop().time() + within_s
        while (status := await spawner.poll()) is None and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.5)
        return status

    return asyncio.run(look())


def test_a_server_whose_image_has_a_check_that_always_fails_goes_on(spawner: Spawners, engine: DockerEngine) -> None:
    engine.build(ODD, FAILING_CHECK)
    made = spawner(image=ODD)
    start(made)
    assert outcome(made, WELL_BEYOND_S) is None
    assert container(made, engine)["State"].get("Health") is None


def test_a_check_of_the_owners_ends_a_server_and_is_told_as_what_it_is(spawner: Spawners, engine: DockerEngine) -> None:
    check = {"Test": ["CMD", "false"], "Interval": 10**9, "Timeout": 10**9, "Retries": 2}
    text = told(spawner(extra_container_spec={"healthcheck": check}, silent=True))
    assert f"{node_name(engine)} ended your server since a health check failed" in text
    assert "memory" not in text


def test_a_server_ends_by_sigterm_whatever_the_image_says(spawner: Spawners, engine: DockerEngine) -> None:
    engine.build(ODD, "STOPSIGNAL SIGUSR1")
    made = spawner(image=ODD)
    start(made)
    shown = container(made, engine)
    assert shown["Config"]["StopSignal"] == "SIGTERM"
    asyncio.run(made.stop())
    wanted = ["--filter", "event=die", "--format", "{{.ID}} {{.Actor.Attributes.exitCode}}"]
    ends: dict[str, str] = {}
    end = time.monotonic() + LIMIT_S
    while shown["Id"] not in ends:
        assert time.monotonic() < end, ends
        ends = dict(line.split() for line in engine.docker("events", "--since", "5m", "--until", "0s", *wanted).splitlines())
    # As a shell ends by SIGTERM. Killed after 10 s it would be 137.
    assert ends[shown["Id"]] == "143"


def test_a_volume_of_the_image_goes_with_the_server(spawner: Spawners, engine: DockerEngine) -> None:
    engine.build(ODD, "VOLUME /data")
    made = spawner(image=ODD)
    start(made)
    assert len(engine.names("volume")) == 1
    asyncio.run(made.stop())
    end = time.monotonic() + LIMIT_S
    while engine.names("volume"):  # the node removes it with the container, after the stop
        assert time.monotonic() < end
        time.sleep(0.2)


def test_another_working_folder_and_an_entrypoint_that_passes_the_command_on_make_no_difference(
    spawner: Spawners, engine: DockerEngine
) -> None:
    engine.build(ODD, "WORKDIR /else/where", """ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "--"]""")
    made = spawner(image=ODD)
    start(made)
    assert container(made, engine)["Args"][-3:] == WAIT_COMMAND
    assert outcome(made, 1) is None


def test_an_entrypoint_that_ignores_the_command_is_told(spawner: Spawners, engine: DockerEngine) -> None:
    engine.build(ODD, """ENTRYPOINT ["sh", "-c", "sleep 1000"]""")
    text = told(spawner(image=ODD, silent=True, http_timeout=3))
    assert "does not answer after 3 s" in text
    assert f"look at the image {ODD}: it must run the command that it is given" in text


def test_an_entrypoint_that_does_not_find_the_program_is_told(spawner: Spawners, engine: DockerEngine) -> None:
    engine.build(ODD, """ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "--"]""")
    text = told(spawner(image=ODD, cmd=["jupyterhub-singleuser"], silent=True))
    assert "must have the program jupyterhub-singleuser" in text
    assert "jupyterhub-singleuser: not found" in text


@pytest.mark.parametrize("how", ["of its memory", "by somebody"])
def test_a_kill_is_told_as_what_it_may_be(spawner: Spawners, how: str) -> None:
    command = {"of its memory": "a=xxxxxxxx; while true; do a=$a$a; done", "by somebody": "kill -9 $$"}[how]
    # A shell as the first process is not killed by its own hand.
    text = told(spawner(cmd=["sh", "-c", f"sh -c '{command}'; exit $?"], mem_limit=128 * 1024**2, silent=True))
    assert "(signal 9): it may have used more than its 0.1 GiB of memory; else" in text
