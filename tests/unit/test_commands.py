"""The shell lines that run on nodes, word by word: what a reviewer reads here is what a node gets."""

from __future__ import annotations

import json
import subprocess

import pytest

from components import commands

LINES = {
    "wait_booted": commands.wait_booted(),
    "wait_ready": commands.wait_ready(),
    "nic_mtu": commands.nic_mtu(),
    "swarm_init": commands.swarm_init("10.20.0.10", "10.200.0.0/16"),
    "worker_token": commands.worker_token(),
    "swarm_join": commands.swarm_join("abc123"),
    "activate": commands.activate("worker-0"),
    "keep_activated": commands.keep_activated("worker-0"),
    "add_labels": commands.add_labels("worker-0", ["gpu=a100", "disk=fast"]),
    "remove_labels": commands.remove_labels("worker-0", ["gpu=a100", "disk=fast"]),
    "remove_node": commands.remove_node("worker-0"),
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


def test_swarm_init() -> None:
    assert LINES["swarm_init"] == (
        "if docker info --format '{{.Swarm.ControlAvailable}}' | grep -q true; "
        "then docker swarm update --dispatcher-heartbeat 20s >/dev/null; "
        "else docker swarm init --advertise-addr 10.20.0.10 --default-addr-pool 10.200.0.0/16 "
        "--default-addr-pool-mask-length 22 --dispatcher-heartbeat 20s >/dev/null; fi || exit 1; "
        "docker info --format '{{.Swarm.Cluster.ID}}'"
    )


def test_worker_token() -> None:
    assert LINES["worker_token"] == "docker swarm join-token --quiet worker"


def test_join_request() -> None:
    assert json.loads(commands.join_request("10.20.0.10", "10.20.0.11", "SWMTKN-1-x")) == {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": "10.20.0.11",
        "RemoteAddrs": ["10.20.0.10:2377"],
        "JoinToken": "SWMTKN-1-x",
        "Availability": "drain",
    }


def test_swarm_join() -> None:
    assert LINES["swarm_join"] == (
        "if docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; then "
        "grep -qx abc123 /etc/jupyterhub-swarm-id && exit 0; docker swarm leave --force >/dev/null; fi; "
        "curl --silent --show-error --fail-with-body --unix-socket /run/docker.sock "
        "--header 'Content-Type: application/json' --data @- http://docker/swarm/join && "
        "echo abc123 | sudo tee /etc/jupyterhub-swarm-id >/dev/null"
    )


def test_activate() -> None:
    assert LINES["activate"] == (
        "ready() { docker node inspect worker-0 --format '{{.Status.State}}' 2>/dev/null | grep -qx ready; }; "
        "for i in $(seq 150); do ready && break; sleep 2; done; "
        "ready || { echo worker-0 did not become ready within 300 s, see docker node ls >&2; exit 1; }; "
        "docker node inspect worker-0 --format '{{json .Spec.Labels}}' | grep -q '\"jupyterhub-swarm.activated\"' || "
        "docker node update --availability active --label-add jupyterhub-swarm.activated=yes worker-0 >/dev/null || exit 1; "
        "docker node inspect worker-0 --format '{{.ID}}'"
    )


def test_add_labels() -> None:
    assert LINES["add_labels"] == "docker node update --label-add gpu=a100 --label-add disk=fast worker-0"


def test_remove_labels() -> None:
    assert LINES["remove_labels"] == (
        "docker node inspect worker-0 >/dev/null 2>&1 || exit 0; "
        'for key in gpu disk; do docker node update --label-rm "$key" worker-0 >/dev/null 2>&1 || true; done'
    )


def test_remove_node() -> None:
    assert LINES["remove_node"] == (
        "docker node inspect worker-0 >/dev/null 2>&1 || exit 0; "
        "docker node update --label-rm jupyterhub-swarm.activated worker-0 >/dev/null 2>&1; "
        "docker node update --availability drain worker-0 >/dev/null && "
        'for i in $(seq 60); do test -z "$(docker node ps worker-0 --filter desired-state=running --quiet)" && break; '
        "sleep 1; done; "
        "docker node rm --force worker-0"
    )


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
    assert {name for name in builders if not name.startswith("_")} == {*LINES, "join_request"}


def test_a_name_with_blanks_or_quotes_stays_one_word() -> None:
    assert "docker pull --quiet 'a b:1; reboot' >&2" in commands.pull_image("a b:1; reboot")
    assert "docker node rm --force 'a b'" in commands.remove_node("a b")


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
