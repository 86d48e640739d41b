"""The homes as the hub's node mounts them: late, again, from elsewhere; and what a service sees that runs all the while."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.waiting import wait_for
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.homes_mount import OTHER_SERVER, SERVER, HomesMount

pytest_plugins = ("tests.integration.docker_fixtures",)

LIMIT_S = 60


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[HomesMount]:
    """The script, set up for a server, in a namespace for one test."""
    alone = subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", "echo there; exec sleep 3600"], stdout=subprocess.PIPE
    )
    assert alone.stdout and alone.stdout.readline() == b"there\n"
    made = HomesMount(tmp_path, alone.pid)
    assert made.install(SERVER).stdout == f"{made.mounts}\n"
    yield made
    made.end()
    alone.kill()
    alone.wait()
    alone.stdout.close()


def wait_until_mounted(mount: HomesMount, server: str = SERVER) -> None:
    wait_for("the mount", lambda: mount.mounted() == f"{server}:/srv/homes", limit_s=LIMIT_S, every_s=0.1)


def test_a_server_that_comes_late_is_mounted_then_and_its_absence_is_told_once(mount: HomesMount) -> None:
    mount.go()
    mount.keep()
    wait_for("a word of it", lambda: mount.lines("keep"), limit_s=LIMIT_S, every_s=0.1)
    told = mount.tool("status")
    assert (told.returncode, told.stdout.partition(":")[0]) == (1, f"! {SERVER} does not serve them")
    mount.come()
    wait_until_mounted(mount)
    told = mount.tool("status")
    assert (told.returncode, told.stdout) == (0, f"served by {SERVER}\n")
    assert mount.lines("keep") == ["mount.nfs: Connection refused", f"{SERVER}:/srv/homes is mounted on {mount.homes}"]
    assert mount.lines("mounts") == [f"-t nfs -o nfsvers=4.2,softerr,retry=0 {SERVER}:/srv/homes {mount.homes}"]


def test_what_is_lost_is_mounted_again(mount: HomesMount) -> None:
    mount.keep()
    wait_until_mounted(mount)
    mount.run("umount", str(mount.homes))
    wait_until_mounted(mount)
    mount.become_stale()
    wait_for("the look", lambda: not mount.stale, limit_s=LIMIT_S, every_s=0.1)
    wait_for("a third mount", lambda: len(mount.lines("mounts")) == 3, limit_s=LIMIT_S, every_s=0.1)
    wait_until_mounted(mount)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_homes_that_have_moved_are_mounted_from_where_they_are(mount: HomesMount, how: signal.Signals) -> None:
    mount.keep()
    wait_until_mounted(mount)
    assert mount.install(OTHER_SERVER).returncode == 0
    assert mount.lines("systemctl")[-3:] == ["daemon-reload", "stop hub-homes.service", "enable --quiet --now hub-homes.service"]
    mount.end(how)
    assert mount.mounted() == ("" if how is signal.SIGTERM else f"{SERVER}:/srv/homes")
    mount.keep()
    wait_until_mounted(mount, OTHER_SERVER)


@pytest.mark.parametrize("step", ["daemon-reload", "stop"])
def test_a_move_that_was_cut_off_is_brought_into_effect_by_the_next_up(mount: HomesMount, step: str) -> None:
    mount.refused = step
    assert mount.install(OTHER_SERVER).returncode != 0
    mount.refused = ""
    assert mount.install(OTHER_SERVER).returncode == 0
    assert mount.lines("systemctl")[-3:] == ["daemon-reload", "stop hub-homes.service", "enable --quiet --now hub-homes.service"]


def test_setting_it_up_once_more_touches_nothing(mount: HomesMount) -> None:
    before = mount.lines("systemctl")
    mount.install(SERVER)
    assert mount.lines("systemctl") == [*before, "enable --quiet --now hub-homes.service"]


def test_it_goes_without_a_trace(mount: HomesMount) -> None:
    mount.keep()
    wait_until_mounted(mount)
    mount.end(signal.SIGKILL)
    assert mount.tool("remove").returncode == 0
    assert mount.tool("remove").returncode == 0
    assert (mount.mounted(), mount.run("ls", str(mount.mounts)).stdout) == ("", "")
    assert mount.tool("status").stdout == "! not set up on this node; run pulumi up\n"


@pytest.fixture
def on_the_engine(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[HomesMount]:
    """The script on the node of a real swarm."""
    outside = docker_engine.network.pid
    (engine,) = Path(f"/proc/{outside}/task/{outside}/children").read_text().split()
    made = HomesMount(tmp_path, int(engine))
    made.install(SERVER)
    yield made
    made.end()
    docker_engine.clear()
    made.tool("remove")
    made.run("umount", "--lazy", str(made.mounts), tools=False)


def in_hub(engine: DockerEngine, *command: str) -> str:
    """What a command in the hub's container prints."""
    container = engine.docker("ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=hub").split()[0]
    return engine.docker("exec", container, *command)


def seen(engine: DockerEngine) -> list[str]:
    """What the hub has in the place of the homes."""
    return in_hub(engine, "busybox", "ls", "/srv/nfs/homes").split()


def test_a_service_starts_without_the_storage_and_sees_it_come_and_go(
    docker_engine: DockerEngine, on_the_engine: HomesMount
) -> None:
    bind = f"type=bind,source={on_the_engine.mounts},target=/srv/nfs,bind-propagation=rslave"
    on_the_engine.go()
    on_the_engine.keep()
    docker_engine.docker(
        "service", "create", "--quiet", "--name=hub", "--no-resolve-image", f"--mount={bind}", IMAGE, *WAIT_COMMAND
    )
    assert seen(docker_engine) == []
    on_the_engine.come()
    wait_for("the homes", lambda: seen(docker_engine) == ["hub"], limit_s=LIMIT_S)
    in_hub(docker_engine, "sh", "-c", "cd /srv/nfs/homes/hub; sleep 1000 >/dev/null 2>&1 &")  # looks at them just now
    on_the_engine.end()
    assert seen(docker_engine) == []
    docker_engine.docker("service", "update", "--quiet", "--force", "hub")
    assert seen(docker_engine) == []
    on_the_engine.keep()
    wait_for("the homes again", lambda: seen(docker_engine) == ["hub"], limit_s=LIMIT_S)
