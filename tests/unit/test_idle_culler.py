"""The question that the culler asks a server before it stops it, and what comes of each answer."""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub_idle_culler import IdleCuller
from traitlets.config import Config

from components.hub_files import SOURCE

Decide = Callable[[int, bytes | Exception], bool]
LIMIT, SERVER = 600, {"url": "/user/ada/", "name": ""}
BUSY, IDLE = b'[{"execution_state": "idle"}, {"execution_state": "busy"}]', b'[{"execution_state": "idle"}]'


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Decide:
    """Whether a server that was inactive for so many seconds is stopped, by what it answers."""
    monkeypatch.setenv("SERVERS_URL", "http://userproxy:8000")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-the-culler")

    def decided(inactive: int, answer: bytes | Exception) -> bool:
        class Client:
            async def fetch(self, request: Any) -> Any:
                assert request.url == "http://userproxy:8000/user/ada/api/kernels?no_track_activity=1"
                assert request.headers["Authorization"] == "token token-of-the-culler"
                if isinstance(answer, Exception):
                    raise answer
                return SimpleNamespace(body=answer)

        monkeypatch.setattr("tornado.httpclient.AsyncHTTPClient", Client)
        config = Config()
        runpy.run_path(str(SOURCE / "idle_culler_config.py"), {"get_config": lambda: config})
        hook = IdleCuller(config=config).cull_arbiter_hook
        return bool(asyncio.run(hook(inactive=timedelta(seconds=inactive), inactive_limit=LIMIT, server=SERVER)))

    return decided


def test_a_server_that_is_in_use_is_not_asked(decide: Decide) -> None:
    assert decide(LIMIT - 1, AssertionError("asked")) is False


def test_a_busy_kernel_keeps_its_server(decide: Decide) -> None:
    assert decide(LIMIT, BUSY) is False


@pytest.mark.parametrize("answer", [IDLE, b"[]"])
def test_without_a_busy_kernel_a_server_is_stopped(decide: Decide, answer: bytes) -> None:
    assert decide(LIMIT, answer) is True


@pytest.mark.parametrize(
    "answer", [b"<html>", b"{}", b"[1]", json.dumps({"message": "busy"}).encode(), ConnectionRefusedError(), TimeoutError()]
)
def test_a_server_that_tells_nothing_sensible_is_stopped_and_the_culler_goes_on(decide: Decide, answer: Any) -> None:
    assert decide(LIMIT, answer) is True
