"""The shell lines for generated passwords, as pure functions. Like those of commands.py, each is idempotent.

The password's text is a file on the manager, so that whoever asks again gets the same one, which is the one that opens.
"""

from __future__ import annotations

import shlex

FOLDER = "/var/lib/jupyterhub-swarm"  # root's alone


def keep_password(name: str, length: int, service: str) -> str:
    """Print the manager's password of this name, made if there is none: `length` characters that a person can type, 5 bits each.

    Where the service runs and there is no file at all, the service's own secret is the password: a stack of before had no file.
    An empty file asks for a new password.
    """
    file = _file(name)
    # The text is in no argument list: printf is the shell's own.
    store = f'sudo sh -c \'umask 077; mkdir -p "${{1%/*}}" && cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1"\' sh {file}'
    return (
        f"if ! sudo test -s {file}; then text=; {_container(service)}; "
        f'sudo test -e {file} || test -z "$running" || text=$(docker exec "$running" cat {_secret(name)} 2>/dev/null); '
        f"test -n \"$text\" || text=$(tr -dc 'a-km-z2-9' </dev/urandom | head -c {length}); "
        f'printf %s "$text" | {store} || exit 1; fi; sudo cat {file}'
    )


def forget_password(name: str, service: str) -> str:
    """Remove the password, so that a later one of the name is another; not while the service has it."""
    return (
        f'{_container(service)}; test -n "$running" && docker exec "$running" cat {_secret(name)} >/dev/null 2>&1 && exit 0; '
        f"sudo rm -f {_file(name)}"
    )


def _container(service: str) -> str:
    return f"running=$(docker ps --quiet --filter label=com.docker.swarm.service.name={shlex.quote(service)} | head -n 1)"


def _secret(name: str) -> str:
    return shlex.quote(f"/run/secrets/{name}")


def _file(name: str) -> str:
    return shlex.quote(f"{FOLDER}/{name}")
