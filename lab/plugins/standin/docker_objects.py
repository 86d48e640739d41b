"""Networks, volumes, configs and secrets: made once, never changed."""

# ruff: noqa: ARG002, S105 - the arguments are those of the base; a token is the name of a type

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from standin.docker_connection import ApiRefusal, DockerApi
from standin.docker_fields import ApiFields
from standin.docker_mapping import expand, flatten
from standin.docker_resource import DockerContext, DockerResource
from standin.docker_tables import CONFIG, NETWORK, SECRET, VOLUME
from standin.errors import ProviderError
from standin.values import Properties

# How long what still uses a network or a volume may take to end; the vendor's plugin has the same.
_RELEASE_SECONDS: Final = 30
_RELEASE_PAUSE: Final = 1.0
_ALLOCATION_SECONDS: Final = 30
_ALLOCATION_PAUSE: Final = 0.2


class Network(DockerResource):
    """`docker network create`."""

    token = "docker:index/network:Network"
    noun = "network"
    table: ClassVar[ApiFields] = NETWORK
    computed = frozenset({"scope"})

    def make(self, api: DockerApi, plan: Properties) -> str:
        """Docker allows two networks of one name unless it is asked not to (and always since its API 1.44)."""
        made = api.post("/networks/create", {"CheckDuplicate": True, **expand(NETWORK, plan)})
        return str(made["Id"])

    def find(self, api: DockerApi, resource_id: str) -> Properties | None:
        """Waits a moment for a new network of a swarm to be allocated: until then neither driver nor options show."""
        deadline = time.monotonic() + _ALLOCATION_SECONDS
        while True:
            found = api.get(f"/networks/{resource_id}")
            if found is None:
                return None
            if is_allocated(found):
                return {**flatten(NETWORK, found), "scope": found["Scope"]}
            if time.monotonic() > deadline:
                raise ProviderError(f"the swarm did not allocate the network within {_ALLOCATION_SECONDS} s")
            time.sleep(_ALLOCATION_PAUSE)

    def remove(self, context: DockerContext, resource_id: str, outputs: Properties) -> None:
        _remove_when_free(context, f"/networks/{resource_id}", "has active endpoints")


def is_allocated(network: Mapping[str, Any]) -> bool:
    """Whether a network shows all that it will: its driver, and for an overlay the options that the daemon adds."""
    return bool(network.get("Driver")) and (network["Driver"] != "overlay" or bool(network.get("Options")))


class Volume(DockerResource):
    """`docker volume create`. Its id is its name."""

    token = "docker:index/volume:Volume"
    noun = "volume"
    table: ClassVar[ApiFields] = VOLUME
    computed = frozenset({"mountpoint"})

    def make(self, api: DockerApi, plan: Properties) -> str:
        return str(api.post("/volumes/create", expand(VOLUME, plan))["Name"])

    def find(self, api: DockerApi, resource_id: str) -> Properties | None:
        found = api.get(f"/volumes/{resource_id}")
        if found is None:
            return None
        # The API takes the options under one name and shows them under another.
        state = flatten(VOLUME, {**found, "DriverOpts": found.get("Options")})
        return {**state, "mountpoint": found["Mountpoint"]}

    def remove(self, context: DockerContext, resource_id: str, outputs: Properties) -> None:
        _remove_when_free(context, f"/volumes/{resource_id}", "volume is in use", force="1")


class _SwarmFile(DockerResource):
    """A file that the swarm keeps for its services."""

    folder: ClassVar[str]

    def make(self, api: DockerApi, plan: Properties) -> str:
        return str(api.post(f"/{self.folder}/create", expand(self.table, plan))["ID"])

    def find(self, api: DockerApi, resource_id: str) -> Properties | None:
        found = api.get(f"/{self.folder}/{resource_id}")
        return None if found is None else flatten(self.table, found["Spec"])

    def remove(self, context: DockerContext, resource_id: str, outputs: Properties) -> None:
        context.required_config().delete(f"/{self.folder}/{resource_id}")


class ServiceConfig(_SwarmFile):
    """`docker config create`."""

    token = "docker:index/serviceConfig:ServiceConfig"
    noun = "config"
    table: ClassVar[ApiFields] = CONFIG
    folder = "configs"


class Secret(_SwarmFile):
    """`docker secret create`. Nobody can read the data back, so a change of it by hand cannot be seen."""

    token = "docker:index/secret:Secret"
    noun = "secret"
    table: ClassVar[ApiFields] = SECRET
    folder = "secrets"


def _remove_when_free(context: DockerContext, path: str, busy: str, **query: str) -> None:
    """Deletes, and tries again for a while where Docker answers that the thing is still in use."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while True:
        try:
            return context.required_config().delete(path, **query)
        except ApiRefusal as error:
            if busy not in str(error) or time.monotonic() > deadline:
                raise
        context.status(f"waiting until nothing uses it any more ({busy})")
        context.wait(_RELEASE_PAUSE)
