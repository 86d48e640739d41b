"""NGINX as the door's child: with waiting.conf until there is a certificate, then with nginx.conf."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

from . import files
from .settings import RUN

PID_FILE = Path("/tmp/nginx.pid")  # noqa: S108  as the configurations say
# Requests that are under way may end; websockets never do by themselves, and nobody gets in until the next container starts.
GRACE_S = 3.0


WAITING = "waiting.conf"


def command(config: Path) -> list[str]:
    """NGINX with a configuration."""
    return ["nginx", "-e", "/dev/stderr", "-c", str(config)]


def complaint(config: Path) -> str:
    """What NGINX has against a configuration, the files that it names included; empty if nothing."""
    tested = subprocess.run([*command(config), "-q", "-t"], capture_output=True, text=True, check=False)
    return "" if tested.returncode == 0 else tested.stderr.strip()


class Nginx:
    """One NGINX. `start` once, before all else, then `use` any number of times."""

    def __init__(self, run: Path = RUN, configs: Path = Path("/etc/nginx"), pid_file: Path = PID_FILE) -> None:
        self._link, self._configs, self._pid_file = run / "nginx.conf", configs, pid_file
        self._process: subprocess.Popen[bytes]

    def start(self, config: str) -> str:
        """Start it with a configuration of /etc/nginx. With one that it does not take it would end at once, again and again: then
        it starts with waiting.conf, where there is one, and what it said is returned."""
        files.point(self._link, self._configs / config)
        said = complaint(self._link) if config != WAITING and (self._configs / WAITING).exists() else ""
        if said:
            files.point(self._link, self._configs / WAITING)
        self._pid_file.unlink(missing_ok=True)  # of this container before it was restarted, or of the test
        self._process = subprocess.Popen([*command(self._link), "-g", "daemon off;"])
        return said

    def use(self, config: str) -> None:
        """Go over to a configuration, or to a new certificate with the same one; open connections stay with the old.

        Raises RuntimeError with NGINX's complaint if it would not take it; it then goes on with what it has.
        """
        before = self._link.readlink()
        files.point(self._link, self._configs / config)
        if said := complaint(self._link):
            files.point(self._link, before)
            raise RuntimeError(f"NGINX does not take {config}: {said}")
        # Before it has written its number it does not listen to signals, and one would end it. A test makes the file, too.
        while not (self._pid_file.exists() and self._pid_file.stat().st_size) and self._process.poll() is None:
            time.sleep(0.05)
        self._process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        """End it: politely at first."""
        self._process.send_signal(signal.SIGQUIT)
        later = threading.Timer(GRACE_S, self._process.terminate)
        later.daemon = True  # when NGINX has ended before, nobody waits for this
        later.start()

    def wait(self) -> int:
        """Until it has ended; its exit status."""
        return self._process.wait()
