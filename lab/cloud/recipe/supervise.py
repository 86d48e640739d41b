"""Start the services in services.toml, start again what dies, tell how they are, and stop them in order on SIGTERM.

How they are stands in /run/lab/status.json, renewed every second; /run/lab/ready exists while all is well. What a service
prints is in /var/log/lab/<service>.log. The supervisor's own lines go to the container's log.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from guests import stop_guests
from health import missing_and_machines

RUN, LOGS, STATE = Path("/run/lab"), Path("/var/log/lab"), Path("/var/lib/lab")
TICK_S, HEALTH_EVERY_S, LOG_LIMIT = 1.0, 5.0, 20_000_000
SETTLED_S, LONGEST_PAUSE_S = 60, 30


def say(text: str) -> None:
    """A line for `docker logs`."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


@dataclass
class Service:
    """One entry of services.toml, and its process."""

    name: str
    command: list[str]
    needs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    socket: str = ""
    once: str = ""
    stop: float = 3
    process: subprocess.Popen[bytes] | None = None
    began: float = 0
    restarts: int = 0
    failures: int = 0  # in a row
    not_before: float = 0
    up: bool = False
    done: bool = False

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    @property
    def marker(self) -> Path:
        """Exists from the end of a program that runs only once ever."""
        return STATE / f"{self.name}.done"

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": "/opt/lab/recipe", "MALLOC_ARENA_MAX": "2", **self.env}
        with self.log.open("ab") as log:
            # A session of its own: signals to the supervisor's group must not reach it.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self.began = time.monotonic()

    def signal_group(self, number: int) -> None:
        """To the process and its children; daemons that left its session (QEMU, dnsmasq) are spared."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def answers(self) -> bool:
        """Whether it accepts connections where it should; true if it should nowhere."""
        with contextlib.suppress(OSError):
            if self.port:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            if self.socket:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(self.socket)
            return True
        return False

    def check(self) -> None:
        """Notice an end; notice that it is up."""
        if not self.process or self.done:
            return
        code = self.process.poll()
        if code is None:
            self.up = not self.once and self.answers()
            if time.monotonic() - self.began > SETTLED_S:
                self.failures = 0
            return
        self.signal_group(signal.SIGKILL)
        self.process, self.up = None, False
        if self.once and code == 0:
            self.up = self.done = True
            if self.once == "ever":
                self.marker.touch()
            return
        self.restarts += 1
        self.failures += 1
        pause = min(2.0**self.failures, LONGEST_PAUSE_S)
        self.not_before = time.monotonic() + pause
        say(f"{self.name} ended with status {code} (time {self.restarts}); starting it again in {pause:.0f} s, see {self.log}")


def load(path: Path) -> dict[str, Service]:
    """The services in the order of the file; refuses an unknown key or need."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text())
    services = {name: Service(name=name, **table) for name, table in tables.items()}
    for service in services.values():
        if unknown := set(service.needs) - set(services):
            raise SystemExit(f"services.toml: {service.name} needs {sorted(unknown)}, which no table describes")
        service.up = service.done = service.once == "ever" and service.marker.exists()
    return services


class Supervisor:
    """All services, from the container's start to its stop."""

    def __init__(self, services: dict[str, Service]) -> None:
        self.services = services
        self.missing: list[str] = ["a first look at the services' reports"]
        self.machines: int | None = None
        self.ready = False
        self.next_look = 0.0
        self.began = time.time()

    def tick(self) -> None:
        """Look at each service, start what may start, write down the result."""
        now = time.monotonic()
        for service in self.services.values():
            service.check()
            may = not service.process and not service.done and now >= service.not_before
            if may and all(self.services[need].up for need in service.needs):
                service.start()
        if now >= self.next_look:
            self.next_look = now + HEALTH_EVERY_S / (1 if self.ready else 4)
            self.look()
            self.trim_logs()
        self.report()

    def look(self) -> None:
        """Ask the database who has reported lately."""
        if not self.services["prepare"].up:
            return
        try:
            self.missing, machines = missing_and_machines()
        except pymysql.MySQLError as trouble:
            self.missing = [f"the database ({trouble})"]
            return
        if machines != self.machines:
            # On disk as well: whoever finds the container stopped can see whether it holds machines.
            self.machines = machines
            (STATE / "machines").write_text(f"{machines}\n")

    def report(self) -> None:
        """Write status.json, and the file `ready` if that is how it is."""
        waiting = [service.name for service in self.services.values() if not service.up]
        ready = not waiting and not self.missing
        if ready != self.ready:
            say("ready" if ready else f"no longer ready: {', '.join(waiting + self.missing)}")
            self.ready = ready
            (RUN / "ready").touch() if ready else (RUN / "ready").unlink(missing_ok=True)
        status = {
            "ready": ready,
            "seconds": round(time.time() - self.began),
            "waiting": waiting + [name for name in self.missing if name not in waiting],
            "machines": self.machines,
            "services": {
                service.name: {"up": service.up, "restarts": service.restarts, "failures": service.failures}
                for service in self.services.values()
            },
        }
        new = RUN / "status.new"
        new.write_text(json.dumps(status))
        new.rename(RUN / "status.json")

    def trim_logs(self) -> None:
        """Keep one older part of a log that has grown large; the services append, so the file can be cut under them."""
        for log in LOGS.glob("*.log"):
            if log.stat().st_size > LOG_LIMIT:
                log.with_suffix(".log.1").write_bytes(log.read_bytes())
                os.truncate(log, 0)

    def stop(self) -> None:
        """End everything: nova first, lest it take a guest's end for its user's wish; the database last."""
        say("stopping")
        (RUN / "ready").unlink(missing_ok=True)
        first, last = self.services["nova-compute"], self.services["mariadb"]
        end([first])
        for guest in stop_guests():
            say(f"{guest} did not shut down in time and was cut off")
        end([service for service in self.services.values() if service not in (first, last)])
        end([last])
        say("stopped")


def end(services: list[Service]) -> None:
    """Ask all to end, and cut off whoever has not after its time."""
    began = time.monotonic()
    for service in services:
        service.signal_group(signal.SIGTERM)
    for service in services:
        if service.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.process.wait(max(0.1, began + service.stop - time.monotonic()))
        service.signal_group(signal.SIGKILL)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    supervisor = Supervisor(load(Path(__file__).with_name("services.toml")))
    say("starting")
    while not asked_to_stop.wait(TICK_S):
        supervisor.tick()
    supervisor.stop()


if __name__ == "__main__":
    main()
