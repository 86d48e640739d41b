"""Loads the hub's configuration in a container of its own, so that a mistake shows before the hub that runs is touched."""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

FOLDER, SECRETS = Path("/etc/jupyterhub"), Path("/run/secrets")
CONFIG, EXTRA = FOLDER / "jupyterhub_config.py", FOLDER / "hub_extra_config.py"
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

    sys.path.insert(0, str(FOLDER))
    from services.hub.home_volumes import HUB_FOLDER

    # A hub without a database waits for the storage, and here is neither.
    (Path(HUB_FOLDER) / "hub").mkdir(parents=True, exist_ok=True)
    SECRETS.mkdir(parents=True, exist_ok=True)
    for name, text in EXAMPLES.items():
        (SECRETS / name).write_text(text)
    os.environ.setdefault("HOMES_ADDRESS", "192.0.2.1")
    app = JupyterHub.instance()
    app.load_config_file(str(CONFIG))
    app.spawner_class(config=app.config, user=SimpleNamespace(name="example"))
    authenticator = app.authenticator_class
    # NativeAuthenticator would look for its table, and there is no database here.
    without_table = {"add_new_table": False} if hasattr(authenticator, "add_new_table") else {}
    authenticator(config=app.config, **without_table)


def places(error: BaseException, file: Path) -> list[str]:
    """The lines of the owner's file that an error comes from: those it was raised in, else those that set what it names."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if frames:
        return [f"line {frame.lineno}: {frame.line}" for frame in frames]
    named = set(re.findall(r"\w+", str(error)))
    lines = enumerate(file.read_text().splitlines() if file.is_file() else (), 1)
    return [f"line {number}: {line}" for number, line in lines if named.intersection(re.findall(r"\.(\w+)\s*=", line))]


def main() -> int:
    """0, or 1 with the error and where it comes from."""
    try:
        check()
    except BaseException as error:
        # JupyterHub makes a SystemExit of a value that does not fit.
        cause = error.__context__ if isinstance(error, SystemExit) and error.__context__ else error
        print("The hub would not start with this configuration.", file=sys.stderr)
        for place in places(cause, EXTRA):
            print(f"hubExtraConfig, {place}", file=sys.stderr)
        print(f"{type(cause).__name__}: {cause}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
