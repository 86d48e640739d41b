"""The real hub with the project's real configuration, as a process of the tests: only its spawner and its proxy stand in."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urljoin

import requests

from components.hub import STATE_FOLDER
from components.hub_files import CONFIG_FOLDER, HubSettings, config_path, hub_files
from services.hub.home_volumes import HUB_FOLDER

ROOT = Path(__file__).resolve().parents[2]
START_S, STOP_S, ANSWER_S, LOOK_S = 60, 20, 20, 0.2
SECRETS = {
    "cookie-secret": "0f" * 32,
    "crypt-key": "1e" * 32,
    "proxy-token": "proxy-token-of-the-tests",
    "password": "password-of-the-tests",
    "admin-password": "password-of-the-administrators-of-the-tests",
    "client-secret": "client-secret-of-the-tests",
}
# Executes the configuration with every absolute path of the container below a folder of the test.
IN_A_FOLDER = """
import pathlib, sys
import dockerspawner, jupyterhub.app, oauthenticator.generic, nativeauthenticator  # while paths are what they are
sys.path.insert(0, str(pathlib.Path({config!r}).parent))
import services.hub.background, services.hub.user_proxy_routes
begin = services.hub.background.begin
# A swarm of this machine is none of the tests'.
services.hub.background.begin = lambda work: None if work.__module__ == "services.hub.leftovers" else begin(work)
real, root, text = pathlib.Path, pathlib.Path({root!r}), pathlib.Path({config!r}).read_text()
pathlib.Path = lambda text: root / text.lstrip("/")
try:
    exec(compile(text, {config!r}, "exec"))
finally:
    pathlib.Path = real
"""
STAND_INS = """
import sys
sys.path.append({project!r})
from tests.integration.hub_stand_ins import OneServerSpawner, RememberedRoutes
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.proxy_class = RememberedRoutes
c.JupyterHub.spawner_class = OneServerSpawner
"""


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class HubProcess:
    """A hub below `folder`, which keeps its database from one start to the next. `url` is its root, with a slash."""

    def __init__(self, folder: Path, settings: HubSettings, port: int, extra: str = "", notebook_port: int = 0) -> None:
        self._folder, self.url = folder, f"http://127.0.0.1:{port}/"
        self._log, self._notebook_port = folder / "hub.log", notebook_port
        self._process: subprocess.Popen[bytes] | None = None
        stand_ins = STAND_INS.format(project=str(ROOT), port=port)
        for file, text in hub_files(settings, f"{stand_ins}\n{extra}").items():
            self._place(config_path(file)).write_text(text)
        for name, value in SECRETS.items():
            self.set_secret(name, value)
        # The storage of the homes, mounted.
        self.beside_the_homes = self._place(f"{HUB_FOLDER}/hub")
        self.beside_the_homes.mkdir(exist_ok=True)  # of a hub before this one
        self.state = self._place(f"{STATE_FOLDER}/jupyterhub.sqlite")
        config = self._place(f"{CONFIG_FOLDER}/jupyterhub_config.py")
        self._wrapper = folder / "in_a_folder.py"
        self._wrapper.write_text(IN_A_FOLDER.format(root=str(folder), config=str(config)))

    def _place(self, path: str) -> Path:
        place = self._folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def set_secret(self, name: str, value: str) -> None:
        """What the hub finds under /run/secrets at its next start."""
        self._place(f"/run/secrets/{name}").write_text(value)

    def start(self) -> None:
        """Start the hub and wait until it answers. Fails with the end of its log."""
        environment = {
            **os.environ,
            "HOMES_ADDRESS": "192.0.2.1",
            "NOTEBOOK_PORT": str(self._notebook_port),
            "no_proxy": "127.0.0.1,localhost",
            "PYTHONFAULTHANDLER": "1",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        waited_s = 0.0
        while waited_s < START_S:
            began = time.monotonic()
            if self.answers():
                return
            ended = self._process.poll()
            assert ended is None, f"the hub has ended with {ended}:\n{self.log()[-4000:]}"
            time.sleep(LOOK_S)
            # A machine that stood still is no hub that does not answer.
            waited_s += min(time.monotonic() - began, ANSWER_S)
        self._process.send_signal(signal.SIGABRT)  # it writes where it stands
        self._process.wait()
        raise AssertionError(f"the hub does not answer within {START_S} s:\n{self.log()[-6000:]}")

    def command(self) -> list[str]:
        """What runs the hub."""
        program = Path(sys.executable).parent / "jupyterhub"
        assert program.is_file() or shutil.which("jupyterhub"), "jupyterhub is missing: run `make venv`"
        return [str(program), "-f", str(self._wrapper)]

    def answers(self) -> bool:
        """Whether the hub says that it is well."""
        try:
            return requests.get(urljoin(self.url, "hub/health"), timeout=ANSWER_S).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """End the hub, as Swarm does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def signal(self, number: int) -> None:
        """Send the hub a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def peak_memory(self) -> int:
        """The most memory that the hub has had so far, in bytes."""
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

    def restart(self) -> None:
        """A new hub on the same state."""
        self.stop()
        self.start()

    def log(self) -> str:
        """What the hub has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""
