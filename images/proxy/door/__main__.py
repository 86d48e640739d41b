"""`python3 -m door` runs the front door; `python3 -m door status`, in its container, prints how it is."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from . import files, status
from .certificate import Pair
from .keeper import Keeper, issuer_of
from .nginx import Nginx
from .settings import STATE, Settings
from .status import Status
from .store import CHAIN, KEY, Store

SECRETS = Path("/run/secrets")


def main() -> int:
    """Serve until NGINX ends; returns its exit status."""
    if sys.argv[1:] == ["status"]:
        return status.show()
    settings = Settings.read()
    nginx, report = Nginx(), Status(settings)
    if settings.https == "none":
        report.good(None)
        nginx.start("nginx.conf")
    elif settings.https == "provided":
        nginx.start("nginx.conf" if provided(report) else "waiting.conf")
    else:
        issuer = issuer_of(settings)
        keeper = Keeper(issuer, Store(issuer.name, settings.name), nginx, report)
        nginx.start("nginx.conf" if keeper.resume() else "waiting.conf")
        threading.Thread(target=keeper.run, daemon=True).start()
    for number in (signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda *_: nginx.end())
    return nginx.wait()


def provided(report: Status, secrets: Path = SECRETS, state: Path = STATE) -> bool:
    """Whether the certificate that came as swarm secrets is where NGINX reads it. Another one is another container."""
    try:
        pair = Pair(chain=(secrets / CHAIN).read_text(), key=(secrets / KEY).read_text())
        files.point(state / "live", secrets)
    except OSError as error:
        report.bad(f"the certificate cannot be used: {error}", None)
        return False
    report.good(pair)
    return True


if __name__ == "__main__":
    sys.exit(main())
