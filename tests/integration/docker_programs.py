"""The program of the docker plugin's tests: the resources that the test asks for, on the tests' engine."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.workspace import Workspace

Resource: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""Class, name, arguments as the SDK names them. `@name` as a value is the id of the resource of that name."""

PROGRAM = """
import json
import os

import pulumi
import pulumi_docker as docker

provider = docker.Provider("swarm", **json.loads(os.environ["PROVIDER"]))
made = {}


def resolved(value):
    if isinstance(value, dict):
        return {key: resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item) for item in value]
    return made[value[1:]].id if isinstance(value, str) and value.startswith("@") else value


for kind, name, given in json.loads(os.environ["RESOURCES"]):
    ignored = given.pop("ignore_changes", None)
    options = pulumi.ResourceOptions(provider=provider, ignore_changes=ignored)
    if kind == "Secret":
        given["data"] = pulumi.Output.secret(given["data"])
    made[name] = getattr(docker, kind)(name, **resolved(given), opts=options)
"""


class Swarm:
    """A stack on an engine: `declare` what is to be there, then run the engine of Pulumi over it."""

    def __init__(self, workspace: Workspace, engine: DockerEngine, kind: str) -> None:
        self.pulumi = workspace
        self.engine = engine
        self.is_stand_in = kind == "stand-in"
        workspace.write(PROGRAM)
        self.connect(host=engine.host)

    def connect(self, **provider: Any) -> None:
        """The provider's arguments from the next run on."""
        self.pulumi.set_env(PROVIDER=json.dumps(provider))

    def declare(self, *resources: Resource) -> None:
        """The resources of the program from the next run on, in this order."""
        self.pulumi.set_env(RESOURCES=json.dumps(resources))

    def expect_settled(self) -> None:
        """A second preview, and two runs that read everything first, change nothing."""
        assert self.pulumi.preview().expect_ok().changes == {}
        for _ in range(2):
            result = self.pulumi.up(refresh=True).expect_ok()
            assert result.changes == {}, result.output

    def expect_nothing_left(self, kinds: Sequence[str] = ("service", "network", "config", "secret")) -> None:
        """The engine has no object of these kinds."""
        assert {kind: self.engine.names(kind) for kind in kinds} == {kind: [] for kind in kinds}


def service(name: str = "web", **changes: Any) -> Resource:
    """A service that runs. A change's name is a path with `__` between its parts; None takes that part away."""
    container = {"image": IMAGE, "commands": WAIT_COMMAND, "stop_grace_period": "20s"}
    arguments: dict[str, Any] = {
        "name": name,
        "task_spec": {"container_spec": container},
        "converge_config": {"delay": "1s", "timeout": "20s"},
    }
    return ("Service", name, changed(arguments, **changes))


def changed(arguments: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with parts changed; see `service`."""
    copied = copy.deepcopy(dict(arguments))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = copied
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return copied
