"""The lab's stack, driven by the pulumi command as a person drives it, and read by machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.running_up import Changes, RunningUp, StackError, resource_name

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
ENV_FILE = BUILD / "env"
STACK = "dev"
# Seconds. Two minutes an emulated machine, and twice that for one that is replaced.
UP_LIMIT, QUICK_LIMIT = 2400, 180


def lab_environment() -> dict[str, str]:
    """The environment that `. .build/env` gives. Raises StackError where there is no lab yet."""
    if not ENV_FILE.is_file():
        raise StackError(f"{ENV_FILE.relative_to(ROOT)} does not exist: there is no lab yet. Run `make up` first.")
    script = f'. "{ENV_FILE}" >/dev/null && env -0'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=QUICK_LIMIT)
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


class Stack:
    """The stack `dev`. Settings are changed in a copy of Pulumi.dev.yaml, so that the file in the checkout stays as it is.

    Logs of `up` go to `logs`, numbered in order. `settled` is false from the start of an `up` until one has succeeded.
    """

    name = STACK

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None) -> None:
        self.logs = logs
        self.environment = dict(environment if environment is not None else lab_environment())
        self.config_file = BUILD / "e2e" / f"Pulumi.{STACK}.yaml"
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.settled = True
        self.restore_settings()

    def restore_settings(self) -> None:
        """Take the checkout's settings again; the next `up` brings the deployment back to them."""
        shutil.copyfile(ROOT / f"Pulumi.{STACK}.yaml", self.config_file)

    def set(self, key: str, value: str) -> None:
        """`pulumi config set`."""
        self._quick("config", "set", key, value, "--config-file", str(self.config_file))

    def set_entry(self, path: str, value: str) -> None:
        """`pulumi config set --path`: an entry of an object, such as `homeQuotas["ada"]`."""
        self._quick("config", "set", "--path", path, value, "--config-file", str(self.config_file))

    def set_secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret`; the value is a test's own."""
        self._quick("config", "set", "--secret", key, value, "--config-file", str(self.config_file))

    def get(self, key: str) -> str:
        """`pulumi config get`: the value in force for the next `up`."""
        return self._quick("config", "get", key, "--config-file", str(self.config_file)).strip()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in plain. Raises StackError, with the remedy, where the stack is not up."""
        try:
            outputs: dict[str, Any] = json.loads(self._quick("stack", "output", "--json", "--show-secrets"))
        except StackError as trouble:
            raise StackError(f"the stack {STACK!r} cannot be read; run `make up`. {trouble}") from trouble
        missing = [name for name in ("url", "password", "adminPassword", "ssh", "nodes") if name not in outputs]
        if missing:
            raise StackError(f"the stack {STACK!r} has no output {', '.join(missing)}: it is not up. Run `make up`.")
        return outputs

    def resource_names(self) -> list[str]:
        """The names of all resources in the stack's state."""
        return [resource_name(resource["urn"]) for resource in self._state().get("resources") or []]

    def up(self, *flags: str, limit_s: float = UP_LIMIT) -> Changes:
        """`pulumi up`; returns what it changed. Raises StackError if it fails or is not done after `limit_s` seconds."""
        running = self.begin_up(*flags)
        if running.wait(limit_s) != 0:
            raise StackError(f"`pulumi up` failed with status {running.status}; the end of {running.log}:\n{running.tail()}")
        self.settled = True
        return running.changes()

    def destroy(self, *flags: str, limit_s: float = UP_LIMIT) -> Changes:
        """`pulumi destroy`, after its preview, which a protected volume makes it stop at; returns what it changed.

        Raises StackError with the end of its log if it fails or is refused.
        """
        running = self._begin("destroy", *flags)
        if running.wait(limit_s) != 0:
            raise StackError(f"`pulumi destroy` failed with status {running.status}:\n{running.tail()}")
        return running.changes()

    def begin_up(self, *flags: str) -> RunningUp:
        """Start `pulumi up` and return at once."""
        return self._begin("up", "--skip-preview", *flags)

    def _begin(self, verb: str, *flags: str) -> RunningUp:
        self.settled = False
        log = self.logs / f"{verb}-{len(list(self.logs.glob(f'{verb}-*.log'))) + 1}.log"
        events = self.config_file.with_name("events.json")
        events.unlink(missing_ok=True)
        command = ["pulumi", verb, "--yes", "--non-interactive", "--stack", STACK, *flags]
        command += ["--config-file", str(self.config_file), "--event-log", str(events)]
        return RunningUp(command, ROOT, {**self.environment, "PULUMI_DEBUG_COMMANDS": "true"}, log, events)

    def repair(self) -> None:
        """What an `up` that was killed makes necessary: break its lock, and look up what it was in the middle of."""
        self._quick("cancel", "--yes")
        if self._state().get("pending_operations"):
            flags = ("--yes", "--skip-preview", "--clear-pending-creates", "--config-file", str(self.config_file))
            self._quick("refresh", *flags, limit_s=UP_LIMIT)

    def _state(self) -> dict[str, Any]:
        return json.loads(self._quick("stack", "export")).get("deployment") or {}

    def _quick(self, *arguments: str, limit_s: float = QUICK_LIMIT) -> str:
        command = ["pulumi", *arguments, "--stack", STACK, "--non-interactive"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=limit_s
        )
        if done.returncode != 0:
            raise StackError(f"`{' '.join(command[:3])}` failed with status {done.returncode}: {done.stderr.strip()[-800:]}")
        return done.stdout
