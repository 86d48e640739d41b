"""The shell lines that run on the nodes, as pure functions, so that tests can read them word by word.

Each is idempotent: pulumi-command runs `create` again when an input changed or an `up` was interrupted. No line takes a
secret: secrets arrive on standard input, because a failing command is echoed whole. The ssh user is in the docker group.
"""

from __future__ import annotations

import shlex


def wait_booted(seconds: int = 1800) -> str:
    """Wait until cloud-init has done its work at first boot, whatever came of it."""
    return f"for i in $(seq {seconds // 2}); do test -f /var/lib/cloud/instance/boot-finished && break; sleep 2; done"


def wait_ready(seconds: int = 1800) -> str:
    """Wait until cloud-init has finished and Docker answers; else fail with what went wrong at first boot.

    Not `cloud-init status --wait`: it calls a missing locale an error. What counts is that Docker works. With sudo, since this
    session may be older than the user's membership of the docker group; the next one has it.
    """
    return (
        f"{wait_booted(seconds)}; "
        "sudo docker version --format '{{.Server.Version}}' && exit 0; "
        "echo 'The node is up, but Docker is not. The end of its first boot:' >&2; "
        "sudo tail -n 25 /var/log/cloud-init-output.log >&2; exit 1"
    )


def nic_mtu() -> str:
    """Print the MTU of the interface that the default route leaves by, in bytes."""
    return "cat /sys/class/net/$(ip -4 -o route show default | sed -n '1s/.* dev \\([^ ]*\\).*/\\1/p')/mtu"


def build_image(reference: str) -> str:
    """Build the image from the archive (base64 of a gzipped tar) on standard input, unless the node has it. Print its id.

    The first line of standard input is the extra CA certificate in base64, or `-`; it serves only during the build.
    """
    name = shlex.quote(reference)
    build = (
        "set --; "
        'if [ "$ca" != - ]; then set -- --build-arg EXTRA_CA="$(printf %s "$ca" | base64 --decode)"; fi; '
        f'base64 --decode | docker build --network host --tag {name} "$@" - >&2 || exit 1'
    )
    return f"read -r ca; {_unless_image(name, build)}"


def pull_image(reference: str, server: str = "", user: str = "") -> str:
    """Pull the image unless the node has it; with a user, signed in at its registry by the password on standard input.
    Print its id."""
    name = shlex.quote(reference)
    return _unless_image(name, f"{_signed_in(server, user)}docker pull --quiet {name} >&2 || exit 1")


def _signed_in(server: str, user: str) -> str:
    """For the rest of the line only: what Docker notes of the password goes with the line's end."""
    if not user:
        return ""
    return (
        "export DOCKER_CONFIG=$(mktemp -d) && trap 'rm -rf \"$DOCKER_CONFIG\"' EXIT && "
        f"docker login --username {shlex.quote(user)} --password-stdin {shlex.quote(server)} >/dev/null && "
    )


def _unless_image(name: str, make: str) -> str:
    return (
        f"if ! docker image inspect {name} >/dev/null 2>&1; then {make}; fi; docker image inspect --format '{{{{.Id}}}}' {name}"
    )


def make_secret(name: str, byte_count: int = 32) -> str:
    """Make a swarm secret of random hex digits on the manager, unless it exists. Print its id; its value goes nowhere else."""
    digits = f"od -An -v -N{byte_count} -tx1 /dev/urandom | tr -d ' \\n'"
    return _unless_secret(name, f"{digits} | docker secret create {shlex.quote(name)} - >/dev/null")


def store_secret(name: str) -> str:
    """Make a swarm secret of what is on standard input, unless it exists. Print its id."""
    return _unless_secret(name, f"docker secret create {shlex.quote(name)} - >/dev/null")


def remove_secret(name: str) -> str:
    """Remove a swarm secret, if it is there."""
    quoted = shlex.quote(name)
    return f"docker secret inspect {quoted} >/dev/null 2>&1 || exit 0; docker secret rm {quoted}"


def _unless_secret(name: str, make: str) -> str:
    quoted = shlex.quote(name)
    return (
        f"docker secret inspect {quoted} >/dev/null 2>&1 || {make} || exit 1; "
        f"docker secret inspect --format '{{{{.ID}}}}' {quoted}"
    )


def check_hub_config(image: str) -> str:
    """Load the hub's configuration, whose files are on standard input as JSON by their paths, in a container of the hub's
    image; fail with the error's file and line."""
    unpack = (
        "import json, pathlib, runpy, sys\n"
        "for path, text in json.load(sys.stdin).items():\n"
        "    file = pathlib.Path(path)\n"
        "    file.parent.mkdir(parents=True, exist_ok=True)\n"
        "    file.write_text(text)\n"
        'runpy.run_path("/etc/jupyterhub/services/hub/check_config.py", run_name="__main__")'
    )
    return f"docker run --rm --interactive --network none {shlex.quote(image)} python3 -c {shlex.quote(unpack)}"


def wait_for_file(path: str, seconds: int = 300) -> str:
    """Print a file that a service makes at its start, once it is there."""
    name = shlex.quote(path)
    return (
        f"for i in $(seq {seconds // 2}); do sudo test -s {name} && break; sleep 2; done; "
        f"sudo cat {name} || {{ echo {name} was not made within {seconds} s, see: docker service logs proxy >&2; exit 1; }}"
    )


def door_status() -> str:
    """Print how the front door is; fail where it is not well."""
    return (
        "door=$(docker ps --quiet --filter label=com.docker.swarm.service.name=proxy | head -n 1); "
        "test -n \"$door\" || { echo '! does not run, see: docker service ps proxy'; exit 1; }; "
        'docker exec "$door" python3 -m door status'
    )
