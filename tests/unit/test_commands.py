"""The shell lines that run on nodes, word by word: what a reviewer reads here is what a node gets."""

from __future__ import annotations

import subprocess

import pytest

from components import commands

LINES = {
    "wait_booted": commands.wait_booted(),
    "wait_ready": commands.wait_ready(),
    "nic_mtu": commands.nic_mtu(),
    "build_image": commands.build_image("jupyterhub-swarm/hub:0123456789ab"),
    "pull_image": commands.pull_image("example/lab:1"),
    "make_secret": commands.make_secret("jupyterhub-cookie-secret"),
    "store_secret": commands.store_secret("jupyterhub-password"),
    "remove_secret": commands.remove_secret("jupyterhub-password"),
    "check_hub_config": commands.check_hub_config("jupyterhub-swarm/hub:0123456789ab"),
    "wait_for_file": commands.wait_for_file("/srv/state/door/ca.pem"),
    "door_status": commands.door_status(),
}


def test_wait_ready() -> None:
    assert commands.wait_ready(seconds=60) == (
        "for i in $(seq 30); do test -f /var/lib/cloud/instance/boot-finished && break; sleep 2; done; "
        "sudo docker version --format '{{.Server.Version}}' && exit 0; "
        "echo 'The node is up, but Docker is not. The end of its first boot:' >&2; "
        "sudo tail -n 25 /var/log/cloud-init-output.log >&2; exit 1"
    )


def test_nic_mtu() -> None:
    assert LINES["nic_mtu"] == "cat /sys/class/net/$(ip -4 -o route show default | sed -n '1s/.* dev \\([^ ]*\\).*/\\1/p')/mtu"


def test_build_image() -> None:
    assert LINES["build_image"] == (
        "read -r ca; if ! docker image inspect jupyterhub-swarm/hub:0123456789ab >/dev/null 2>&1; then set --; "
        'if [ "$ca" != - ]; then set -- --build-arg EXTRA_CA="$(printf %s "$ca" | base64 --decode)"; fi; '
        'base64 --decode | docker build --network host --tag jupyterhub-swarm/hub:0123456789ab "$@" - >&2 || exit 1; fi; '
        "docker image inspect --format '{{.Id}}' jupyterhub-swarm/hub:0123456789ab"
    )


def test_pull_image() -> None:
    assert LINES["pull_image"] == (
        "if ! docker image inspect example/lab:1 >/dev/null 2>&1; then docker pull --quiet example/lab:1 >&2 || exit 1; fi; "
        "docker image inspect --format '{{.Id}}' example/lab:1"
    )


def test_make_secret() -> None:
    assert LINES["make_secret"] == (
        "docker secret inspect jupyterhub-cookie-secret >/dev/null 2>&1 || "
        "od -An -v -N32 -tx1 /dev/urandom | tr -d ' \\n' | docker secret create jupyterhub-cookie-secret - >/dev/null || exit 1; "
        "docker secret inspect --format '{{.ID}}' jupyterhub-cookie-secret"
    )


def test_store_secret() -> None:
    assert LINES["store_secret"] == (
        "docker secret inspect jupyterhub-password >/dev/null 2>&1 || "
        "docker secret create jupyterhub-password - >/dev/null || exit 1; "
        "docker secret inspect --format '{{.ID}}' jupyterhub-password"
    )


def test_check_hub_config() -> None:
    assert LINES["check_hub_config"] == (
        "docker run --rm --interactive --network none jupyterhub-swarm/hub:0123456789ab python3 -c '"
        "import json, pathlib, runpy, sys\n"
        "for path, text in json.load(sys.stdin).items():\n"
        "    file = pathlib.Path(path)\n"
        "    file.parent.mkdir(parents=True, exist_ok=True)\n"
        "    file.write_text(text)\n"
        'runpy.run_path("/etc/jupyterhub/services/hub/check_config.py", run_name="__main__")\''
    )


@pytest.mark.parametrize("name", LINES)
def test_every_line_is_correct_shell(name: str) -> None:
    for shell in ("bash", "sh"):
        checked = subprocess.run([shell, "-n", "-c", LINES[name]], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_every_line_of_the_module_is_checked_here() -> None:
    builders = {name for name, value in vars(commands).items() if callable(value) and value.__module__ == commands.__name__}
    assert {name for name in builders if not name.startswith("_")} == set(LINES)


def test_a_name_with_blanks_or_quotes_stays_one_word() -> None:
    assert "docker pull --quiet 'a b:1; reboot' >&2" in commands.pull_image("a b:1; reboot")


def test_wait_for_file() -> None:
    assert commands.wait_for_file("/srv/state/door/ca.pem", seconds=60) == (
        "for i in $(seq 30); do sudo test -s /srv/state/door/ca.pem && break; sleep 2; done; "
        "sudo cat /srv/state/door/ca.pem || "
        "{ echo /srv/state/door/ca.pem was not made within 60 s, see: docker service logs proxy >&2; exit 1; }"
    )


def test_door_status() -> None:
    assert commands.door_status() == (
        "door=$(docker ps --quiet --filter label=com.docker.swarm.service.name=proxy | head -n 1); "
        "test -n \"$door\" || { echo '! does not run, see: docker service ps proxy'; exit 1; }; "
        'docker exec "$door" python3 -m door status'
    )
