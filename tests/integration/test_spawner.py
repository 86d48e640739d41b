"""The spawner on a real swarm: each way in which a start fails and what is told of it, and starts and stops in quick turns.

The notebooks are shells; whether they answer is decided by the test, which is not on the swarm's network.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.types import DriverConfig, Mount

from services.hub import leftovers
from services.hub.leftovers import Known
from services.hub.start_errors import StartError
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.starts import HUB, LIMIT_S, Spawners, node_name, start, told

pytest_plugins = ("tests.integration.spawner_fixtures",)

FOREIGN = "tests/foreign:1"
OTHER_HUB = "http://other:8081/hub/api"


@pytest.fixture(scope="module", autouse=True)
def _empty_engine(docker_engine: DockerEngine) -> Iterator[None]:
    yield
    docker_engine.clear()


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(spawner: Spawners, engine: DockerEngine) -> None:
    text = told(spawner(cmd=["sh", "-c", "echo 'ImportError: nothing works' >&2; exit 3"], silent=True))
    assert f"ended on {node_name(engine)} while it started: task: non-zero exit (3)" in text
    assert "ImportError: nothing works" in text


def test_an_image_that_is_nowhere_is_named(spawner: Spawners, engine: DockerEngine) -> None:
    assert f"The image tests/none:9 is not on {node_name(engine)}" in told(spawner(image="tests/none:9"))


def test_a_program_that_the_image_lacks_is_told(spawner: Spawners) -> None:
    text = told(spawner(cmd=["jupyterhub-singleuser"]))
    assert f"The image {IMAGE} cannot start a notebook server" in text


def test_a_program_for_a_foreign_processor_is_told(spawner: Spawners, engine: DockerEngine) -> None:
    engine.docker("import", "-", FOREIGN, stdin=foreign_image())
    assert "another kind of processor" in told(spawner(image=FOREIGN, cmd=["/run"], silent=True))


def test_more_memory_than_any_node_has_is_told_with_the_nodes_own(spawner: Spawners, engine: DockerEngine) -> None:
    made = spawner(mem_guarantee=2**50)
    text = told(made)
    assert "1048576.0 GiB of memory" in text
    assert f"the largest, {node_name(engine)}, has" in text
    assert made.story.last == "Waiting for a node with 1048576.0 GiB of memory free"


def test_a_node_that_is_full_is_told_with_what_is_free(spawner: Spawners, engine: DockerEngine) -> None:
    total = int(engine.docker("info", "--format", "{{.MemTotal}}"))
    reserve = ["--reserve-memory", str(int(total * 0.7)), "--no-resolve-image"]
    engine.docker("service", "create", "--quiet", "--name", "large", *reserve, IMAGE, *WAIT_COMMAND)
    text = told(spawner(mem_guarantee=int(total * 0.5)))
    assert "free for your server, after 3 s" in text
    assert f"{node_name(engine)} has {total * 0.3 / 1024**3:.1f} GiB of" in text


def test_a_label_that_no_node_has_is_told(spawner: Spawners) -> None:
    text = told(spawner(extra_placement_spec={"constraints": ["node.labels.gpu==a100"]}))
    assert "it must fit: node.labels.gpu==a100" in text


def test_a_home_that_cannot_be_mounted_is_told(spawner: Spawners, engine: DockerEngine) -> None:
    options = {"type": "nfs", "o": "addr=127.0.0.1,nfsvers=4.2,soft,timeo=10,retrans=1", "device": ":/nowhere"}
    mount = Mount(target="/home/jovyan", source="nowhere", type="volume", driver_config=DriverConfig("local", options))
    text = told(spawner(home_mounts=[mount]))
    assert f"{node_name(engine)} could not mount your files" in text


def test_a_start_tells_the_nodes_name_and_a_stop_leaves_nothing(spawner: Spawners, engine: DockerEngine) -> None:
    made = spawner()
    assert start(made) == ("jupyter-ada", 8888)
    assert asyncio.run(made.poll()) is None
    lines = [line for _, line in made.story._lines]
    assert f"Started on {node_name(engine)}; waiting for the notebook to answer" in lines
    asyncio.run(made.stop())
    assert engine.names("service") == []
    assert engine.names("container") == []


def test_starts_and_stops_in_quick_turns_never_wedge(spawner: Spawners, engine: DockerEngine) -> None:
    for _ in range(4):
        made = spawner()
        start(made)
        asyncio.run(made.stop())
    assert engine.names("container") == []


def test_a_service_that_a_dead_hub_left_makes_room(spawner: Spawners, engine: DockerEngine) -> None:
    start(spawner())
    start(spawner())
    assert engine.names("service") == ["jupyter-ada"]
    assert len(engine.names("container")) == 1


def test_a_server_that_ends_by_itself_stays_ended_and_is_cleared_away(spawner: Spawners, engine: DockerEngine) -> None:
    made = spawner(cmd=["sh", "-c", "sleep 3"])
    with contextlib.suppress(StartError):
        start(made)

    async def until_ended() -> Any:
        while (state := await made.poll()) is None:
            await asyncio.sleep(0.2)
        return state

    assert "complete" in asyncio.run(asyncio.wait_for(until_ended(), LIMIT_S))
    asyncio.run(made.run_post_stop_hook())
    assert engine.names("service") == []


def test_servers_that_the_hub_has_forgotten_are_removed_and_others_stay(spawner: Spawners, engine: DockerEngine) -> None:
    start(spawner())
    engine.docker("service", "create", "--quiet", "--detach", "--name", "other", "--no-resolve-image", IMAGE, *WAIT_COMMAND)
    client = docker.APIClient(base_url=engine.host, version="auto")
    assert asyncio.run(leftovers.remove(client, HUB, lambda: Known(pairs=frozenset({("ada", "")})))) == []
    assert asyncio.run(leftovers.remove(client, OTHER_HUB, Known)) == []
    assert asyncio.run(leftovers.remove(client, HUB, Known)) == ["jupyter-ada"]
    assert engine.names("service") == ["other"]


def foreign_image() -> bytes:
    """A file system whose one program no kernel of this machine runs: an ELF header of an architecture that is none."""
    program = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xfe\x01\x00\x00\x00" + bytes(40)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("run")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return packed.getvalue()
