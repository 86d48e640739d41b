"""The program's resource graph, rendered against mocks: no cloud, no engine, no state. For `make check-stack` and the tests."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, stack, sync_await

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "jupyterhub-swarm"
SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105  the SDK's marker of a wrapped secret, not a secret


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program registered it. `parent`, `depends_on` and `deleted_with` are resource names, not URNs."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    deleted_with: str
    protect: bool
    retain: bool
    ignore_changes: tuple[str, ...]
    secret_outputs: tuple[str, ...]


class Recorder(mocks.MockMonitor):
    """A mock monitor that keeps the options of each registration, which the SDK's own mocks hide."""

    def __init__(self, cloud: mocks.Mocks) -> None:
        super().__init__(cloud)
        self.graph: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the SDK's name
        if request.type != "pulumi:pulumi:Stack":
            self.graph.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    parent=_name(request.parent),
                    inputs=rpc.deserialize_properties(request.object),
                    depends_on=tuple(sorted({_name(urn) for urn in request.dependencies})),
                    deleted_with=_name(request.deletedWith),
                    protect=request.protect,
                    retain=request.retainOnDelete,
                    ignore_changes=tuple(request.ignoreChanges),
                    secret_outputs=tuple(request.additionalSecretOutputs),
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


class Cloud(mocks.Mocks):
    """Answers as a small cloud would: addresses for ports, an MTU, ids that tell what they are of."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ == "openstack:networking/port:Port":
            # By name: registrations come in any order, and a node's address must be the same in every rendering.
            worker = re.search(r"worker-(\d+)", args.name)
            state["allFixedIps"] = [f"10.20.0.{11 + int(worker[1]) if worker else 9 if 'storage' in args.name else 10}"]
        elif args.typ == "openstack:networking/floatingIp:FloatingIp":
            state["address"] = "192.0.2.10"
        elif args.typ == "command:remote:Command":
            state["stdout"] = "1500" if args.name.endswith("-mtu") else f"{args.name}-stdout"
        if "name" not in state:
            state["name"] = args.name
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {**args.args, "id": f"{args.args.get('name', 'unnamed')}-id"}, []


def render(config: dict[str, str], stack_name: str = "test", preview: bool = False) -> list[Registered]:
    """Run the program with the config (raw texts by full key) and return what it registered, in order.

    Raises what the program raises, for instance settings.SettingsError.
    """
    asyncio.set_event_loop(asyncio.new_event_loop())  # asyncio.run before this has left none, and Pulumi asks for one
    recorder = Recorder(Cloud())
    mocks.set_mocks(Cloud(), project=PROJECT, stack=stack_name, preview=preview, monitor=recorder)
    pulumi.runtime.set_all_config(config)
    pulumi.runtime.settings.SETTINGS.rpc_manager.clear()
    pulumi.runtime.settings.SETTINGS.outputs.clear()
    sync_await._sync_await(stack.run_pulumi_func(_run_program))
    return recorder.graph


def _run_program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


def stack_config(path: Path) -> dict[str, str]:
    """The config of a Pulumi.<stack>.yaml as the engine would hand it to the program; secrets are masked."""
    values = (yaml.safe_load(path.read_text()) or {}).get("config") or {}
    return {key: _raw(value) for key, value in values.items()}


def _raw(value: Any) -> str:
    if isinstance(value, dict) and "secure" in value:
        return "[secret]"
    return value if isinstance(value, str) else json.dumps(value)


def _name(urn: str) -> str:
    name = urn.rsplit("::", 1)[-1]
    return "" if name.startswith(f"{PROJECT}-") and "pulumi:pulumi:Stack" in urn else name
