"""A real hub that stops servers, with short times, and people at it whose servers a test has in its hand."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from components import sign_in
from components.sign_in import Auth
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.integration.notebooks import Notebooks
from tests.unit.hub_files import SETTINGS

IDLE_S, UNCLEAR_S, REPORTS_S, GAP_S, LIMIT_S = 4, 8, 8, 6, 90
EXTRA = """
import json, pathlib
from services.hub import culling, hearing
from services.hub.swarm_spawner import NotebookSpawner
culling.REPORTS_S, culling.UNCLEAR_S, culling.EVERY_S = {reports}, {unclear}, (1, 1)
hearing.TICK_S, hearing.GAP_S = 1.0, {gap}

class Kept(NotebookSpawner):
    "The project's own in all but Docker. A server outlives the hub, and its environment lies in a file."
    async def start(self):
        self.object_id = "one"
        folder = pathlib.PosixPath({folder!r})
        (folder / f"{{self.user.name}}.json").write_text(json.dumps(self.get_env()))
        return "127.0.0.1", {port}
    async def stop(self, now=False):
        self.object_id = ""
    async def poll(self):
        return None if self.object_id else 0
    async def run_post_stop_hook(self):
        pass

c.JupyterHub.spawner_class = Kept
c.NotebookSpawner.options_form = ""
"""


class CulledHub:
    """`hub` is the process; servers are stopped after `idle_s` without use, or after `max_age_s`."""

    def __init__(self, folder: Path, notebooks: Notebooks, *, idle_s: int = IDLE_S, max_age_s: int = 0, extra: str = "") -> None:
        self._folder = folder
        people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
        settings = dataclasses.replace(
            SETTINGS, sign_in=people, lasting_homes=False, idle_timeout=idle_s, max_age=max_age_s, named_servers=3
        )
        port = notebooks.server_port
        own = EXTRA.format(reports=REPORTS_S, unclear=UNCLEAR_S, gap=GAP_S, folder=str(folder), port=port)
        self.hub = HubProcess(folder, settings, free_port(), own + extra, port)
        self.hub.start()

    def started(self, name: str, server: str = "") -> BrowserSession:
        """A person whose server runs."""
        user = BrowserSession(self.hub.url)
        user.post("hub/login", username=name, password=SECRETS["password"])
        if not user.model()["servers"] or server:
            user.api("POST", f"users/{name}/servers/{server}")
        assert user.model()["servers"], self.hub.log()[-3000:]
        return user

    def environment(self, name: str) -> dict[str, str]:
        """What the hub gave the person's server at its start."""
        return dict(json.loads((self._folder / f"{name}.json").read_text()))

    def api(self, method: str, path: str, token: str, **options: Any) -> requests.Response:
        """A request to the hub's API with a token, as a program of somebody's would make it."""
        headers = {"Authorization": f"token {token}"}
        return requests.request(method, f"{self.hub.url}hub/api/{path}", headers=headers, timeout=20, **options)

    def report(self, name: str) -> None:
        """Tell the hub that the person's server is in use now, as the server does."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        body = {"servers": {"": {"last_activity": now}}}
        answer = self.api("POST", f"users/{name}/activity", self.environment(name)["JUPYTERHUB_API_TOKEN"], json=body)
        assert answer.status_code == 200, answer.text


def wait_until(what: str, holds: Callable[[], object], hub: HubProcess) -> None:
    """Wait until something holds. Fails, with the end of the hub's log, after LIMIT_S."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}\n{hub.log()[-3000:]}"
        time.sleep(0.3)


def runs(user: BrowserSession) -> bool:
    """Whether the person has a server."""
    return bool(user.model()["servers"])
