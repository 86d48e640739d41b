"""The shell lines for generated passwords, as pure functions. Like those of commands.py, each is idempotent.

The password's text is a file on the manager, so that whoever asks again gets the same one, which is the one that opens.
"""

from __future__ import annotations

import shlex

FOLDER = "/var/lib/jupyterhub-swarm"  # root's alone


def keep_password(name: str, length: int, service: str) -> str:
    """Print the manager's password of this name, made if there is none: `length` characters that a person can type, 5 bits each.

    Where the file is missing but the service runs, its own secret is the password: a stack of before had no such file.
    """
    file = _file(name)
    secret = shlex.quote(f"/run/secrets/{name}")
    container = f"docker ps --quiet --filter label=com.docker.swarm.service.name={shlex.quote(service)} | head -n 1"
    # The text is in no argument list: printf is the shell's own.
    store = f'sudo sh -c \'umask 077; mkdir -p "${{1%/*}}" && cat >"$1.new" && mv "$1.new" "$1"\' sh {file}'
    return (
        f"if ! sudo test -s {file}; then "
        f'text=; running=$({container}); test -z "$running" || text=$(docker exec "$running" cat {secret} 2>/dev/null); '
        f"test -n \"$text\" || text=$(tr -dc 'a-km-z2-9' </dev/urandom | head -c {length}); "
        f'printf %s "$text" | {store} || exit 1; fi; sudo cat {file}'
    )


def forget_password(name: str) -> str:
    """Remove the password: a later one of the name is another."""
    return f"sudo rm -f {_file(name)}"


def _file(name: str) -> str:
    return shlex.quote(f"{FOLDER}/{name}")
