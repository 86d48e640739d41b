"""Loads the hub's configuration in a container of its own, so that a mistake shows before the hub that runs is touched."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

CONFIG, SECRETS = Path("/etc/jupyterhub/jupyterhub_config.py"), Path("/run/secrets")
# In place of the real ones, which never come here.
EXAMPLES = {
    "cookie-secret": "00" * 32,
    "crypt-key": "00" * 32,
    "proxy-token": "example",
    "password": "example-password",
    "admin-password": "example-password-of-the-administrators",
    "client-secret": "example",
}


def check() -> None:
    """Raises what the configuration raises, or what a class says of the values that it gets."""
    from jupyterhub.app import JupyterHub

    SECRETS.mkdir(parents=True, exist_ok=True)
    for name, text in EXAMPLES.items():
        (SECRETS / name).write_text(text)
    os.environ.setdefault("HOMES_ADDRESS", "192.0.2.1")
    app = JupyterHub.instance()
    app.load_config_file(str(CONFIG))
    app.spawner_class(config=app.config)
    authenticator = app.authenticator_class
    # NativeAuthenticator would look for its table, and there is no database here.
    without_table = {"add_new_table": False} if hasattr(authenticator, "add_new_table") else {}
    authenticator(config=app.config, **without_table)


def main() -> int:
    """0, or 1 with the error and the lines of the owner's file that led to it."""
    try:
        check()
    except BaseException as error:
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith("hub_extra_config.py")]
        for frame in lines:
            print(f"hubExtraConfig, line {frame.lineno}: {frame.line}", file=sys.stderr)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        if not lines:
            traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
