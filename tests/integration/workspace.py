"""A small Pulumi project in a folder of its own, driven by the real engine.

The state is a file in that folder, the plugins are the ones given; nothing of the user's own Pulumi set-up is read or
written.
"""

import importlib.metadata
import json
import os
import stat
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STACK = "dev"
PROJECT = "plugin-test"
_MINUTES = 5


@dataclass(frozen=True)
class Step:
    """What the engine did, or would do, to one resource. `diff` maps a property path to `add`, `update-replace`, ..."""

    name: str
    type: str
    op: str
    diff: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """One run of the engine.

    `output` is what a user sees, `messages` are the diagnostics (progress lines too, debugging not), `events` is all that
    the engine told anybody.
    """

    ok: bool
    output: str
    steps: Sequence[Step]
    messages: Sequence[str]
    events: str
    state: Mapping[str, Any]

    @property
    def changes(self) -> dict[str, int]:
        """How many resources had which operation, without those that stayed the same."""
        return dict(Counter(step.op for step in self.steps if step.op not in ("same", "refresh", "read")))

    def step(self, name: str) -> Step:
        """The step of the resource with that name; the one that says most, where a replacement has several."""
        found = [step for step in self.steps if step.name == name]
        assert found, f"no step for {name!r} in {[step.name for step in self.steps]}\n{self.output}"
        return max(found, key=lambda step: (step.op == "replace", len(step.diff)))

    def resource(self, name: str) -> dict[str, Any]:
        """The recorded resource with that name."""
        found = [item for item in self.resources if item["urn"].endswith(f"::{name}")]
        assert found, f"no resource {name!r} in the state\n{self.output}"
        return dict(found[0])

    @property
    def resources(self) -> Sequence[Mapping[str, Any]]:
        """All recorded resources, the stack and providers too."""
        return list((self.state.get("deployment") or {}).get("resources") or [])

    def expect_ok(self) -> "Result":
        """Fails the test, with all that was said, unless the run went well."""
        assert self.ok, self.output
        return self


class Workspace:
    """`write` a program, then run the engine over it."""

    def __init__(self, folder: Path, home: Path, path: str) -> None:
        self.folder = folder
        self._state = folder / "state"
        self._env = {
            "PATH": path,
            "HOME": str(folder),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Without it there is no --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self._state.mkdir()
        (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        self._pulumi("stack", "init", STACK, "--non-interactive")

    def write(self, program: str) -> None:
        """The text of `__main__.py`, from the next run on."""
        (self.folder / "__main__.py").write_text(program)

    def set_env(self, **values: str) -> None:
        """Environment variables that the program (and the plugins) see, from the next run on."""
        self._env.update(values)

    def use_plugins(self, home: Path) -> None:
        """The plugins of another PULUMI_HOME, from the next run on."""
        self._env["PULUMI_HOME"] = str(home)

    def configure(self, plain: Mapping[str, str] | None = None, secret: Mapping[str, str] | None = None) -> None:
        """Stack configuration; keys without a namespace are the project's."""
        arguments: list[str] = []
        for flag, values in (("--plaintext", plain), ("--secret", secret)):
            for key, value in (values or {}).items():
                arguments += [flag, f"{key}={value}"]
        self._pulumi("config", "set-all", "--stack", STACK, *arguments)

    def preview(self, *, refresh: bool = False) -> Result:
        """What `up` would do."""
        return self._run("preview", refresh=refresh)

    def up(self, *, refresh: bool = False) -> Result:
        """Makes the stack what the program says."""
        return self._run("up", "--yes", "--skip-preview", refresh=refresh)

    def replace(self, name: str) -> Result:
        """As `up`, with the resource of that name made anew."""
        found = [item["urn"] for item in self.state()["deployment"]["resources"] if item["urn"].endswith(f"::{name}")]
        return self._run("up", "--yes", "--skip-preview", "--replace", *found)

    def refresh(self) -> Result:
        """Reads every resource and records what has changed outside."""
        return self._run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Result:
        """Removes all resources."""
        return self._run("destroy", "--yes", "--skip-preview")

    def state(self) -> dict[str, Any]:
        """The recorded state; secrets are encrypted in it, as they are on disk."""
        return dict(json.loads(self._pulumi("stack", "export", "--stack", STACK).stdout))

    def open_state(self) -> dict[str, Any]:
        """The recorded state with its secrets readable, to compare what two plugins recorded."""
        return dict(json.loads(self._pulumi("stack", "export", "--stack", STACK, "--show-secrets").stdout))

    def files(self) -> list[Path]:
        """Every file that the engine wrote, to look for what must not be in one."""
        return [path for path in self._state.rglob("*") if path.is_file()]

    def _run(self, command: str, *arguments: str, refresh: bool = False) -> Result:
        log = self.folder / "events.jsonl"
        log.unlink(missing_ok=True)
        options = ["--refresh"] if refresh else []
        done = self._pulumi(
            command, "--stack", STACK, "--non-interactive", "--event-log", str(log), *options, *arguments, check=False
        )
        text = log.read_text() if log.exists() else ""
        events = [json.loads(line) for line in text.splitlines()]
        said = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
        return Result(
            ok=done.returncode == 0,
            output=f"$ pulumi {command}\n{done.stdout}{done.stderr}",
            steps=_steps(events),
            messages=[message["message"].rstrip("\n") for message in said if message["severity"] != "debug"],
            events=text,
            state=self.state(),
        )

    def _pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MINUTES * 60,
        )
        assert done.returncode == 0 or not check, f"pulumi {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done


def _steps(events: Sequence[Mapping[str, Any]]) -> list[Step]:
    steps = []
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.get(kind, {}).get("metadata")
            if metadata is None or (kind == "resOutputsEvent" and metadata["op"] != "refresh"):
                continue
            detailed = metadata.get("detailedDiff") or {}
            steps.append(
                Step(
                    name=metadata["urn"].rsplit("::", 1)[-1],
                    type=metadata["type"],
                    op=metadata["op"],
                    diff={path: part["diffKind"] for path, part in detailed.items()},
                )
            )
    return steps


def write_plugin(home: Path, name: str, version: str, command: Sequence[str] | Path) -> None:
    """Puts a plugin where the engine looks: a given executable, or a script that runs a command."""
    folder = home / "plugins" / f"resource-{name}-v{version}"
    folder.mkdir(parents=True)
    executable = folder / f"pulumi-resource-{name}"
    if isinstance(command, Path):
        executable.symlink_to(command)
        return
    words = " ".join(f"'{word}'" for word in command)
    executable.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)


def toolchain_path() -> str:
    """The PATH on which the engine and the virtual environment's Python are found first."""
    places = [str(ROOT / ".venv" / "bin"), str(ROOT / ".build" / "toolchain" / "bin")]
    return os.pathsep.join([*places, os.environ.get("PATH", os.defpath)])


def installed_plugin(name: str) -> Path:
    """The plugin that `make toolchain` has put there: built here or the vendor's."""
    version = importlib.metadata.version(f"pulumi-{name}")
    file = ROOT / ".build" / "pulumi-home" / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
    assert file.exists(), f"{file} is missing: run `make toolchain` first"
    return file
