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


class Nginx:
    """One NGINX. `start` once, before all else, then `use` any number of times."""

    def __init__(self, run: Path = RUN, configs: Path = Path("/etc/nginx"), pid_file: Path = PID_FILE) -> None:
        self._link, self._configs, self._pid_file = run / "nginx.conf", configs, pid_file
        self._process: subprocess.Popen[bytes]

    @property
    def command(self) -> list[str]:
        """NGINX with the configuration that the link leads to."""
        return ["nginx", "-e", "/dev/stderr", "-c", str(self._link)]

    def start(self, config: str) -> None:
        """Start it with a configuration of /etc/nginx."""
        self._pid_file.unlink(missing_ok=True)  # of this container before it was restarted
        files.point(self._link, self._configs / config)
        self._process = subprocess.Popen([*self.command, "-g", "daemon off;"])

    def use(self, config: str) -> None:
        """Go over to a configuration, or to a new certificate with the same one; open connections stay with the old.

        Raises RuntimeError with NGINX's complaint if it would not take it; it then goes on with what it has.
        """
        before = self._link.readlink()
        files.point(self._link, self._configs / config)
        tested = subprocess.run([*self.command, "-q", "-t"], capture_output=True, text=True, check=False)
        if tested.returncode != 0:
            files.point(self._link, before)
            raise RuntimeError(f"NGINX does not take {config}: {tested.stderr.strip()}")
        # Before it has written its number it does not listen to signals, and one would end it.
        while not self._pid_file.exists() and self._process.poll() is None:
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
