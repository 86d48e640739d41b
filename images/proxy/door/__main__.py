"""`python3 -m door` runs the front door; `python3 -m door status`, in its container, prints how it is; `try`: trial.py."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from . import files, status, trial
from .certificate import Pair
from .keeper import Keeper, issuer_of
from .nginx import WAITING, Nginx
from .settings import STATE, Settings
from .status import Status
from .store import CHAIN, KEY, Store

SECRETS = Path("/run/secrets")


def main() -> int:
    """Serve until NGINX ends; returns its exit status."""
    if sys.argv[1:] == ["status"]:
        return status.show()
    if sys.argv[1:] == ["try"]:
        return trial.main()
    settings = Settings.read()
    nginx, report = Nginx(), Status(settings)
    if settings.https == "none":
        report.good(None)
        nginx.start("nginx.conf")
    elif settings.https == "provided":
        pair = provided(report)
        if said := nginx.start("nginx.conf" if pair else WAITING):
            report.bad(f"NGINX does not take the certificate: {said}", pair)
    else:
        issuer = issuer_of(settings)
        keeper = Keeper(issuer, Store(issuer.name, settings.name), nginx, report)
        if said := nginx.start("nginx.conf" if keeper.resume() else WAITING):
            keeper.refused(said)
        threading.Thread(target=keeper.run, daemon=True).start()
    for number in (signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda *_: nginx.end())
    return nginx.wait()


def provided(report: Status, secrets: Path = SECRETS, state: Path = STATE) -> Pair | None:
    """The certificate that came as swarm secrets, once it is where NGINX reads it. Another one is another container."""
    try:
        pair = Pair(chain=(secrets / CHAIN).read_text(), key=(secrets / KEY).read_text())
        files.point(state / "live", secrets)
    except OSError as error:
        report.bad(f"the certificate cannot be used: {error}", None)
        return None
    report.good(pair)
    return pair


if __name__ == "__main__":
    sys.exit(main())
