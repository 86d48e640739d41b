"""Services: made, changed in place, waited for, removed with their containers."""

# ruff: noqa: ARG002, S105 - the arguments are those of the base; a token is the name of a type

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from standin.docker_codecs import parse_duration
from standin.docker_connection import DockerApi
from standin.docker_fields import ApiFields
from standin.docker_images import full_reference, pin_image
from standin.docker_mapping import expand, flatten
from standin.docker_resource import DockerContext, DockerResource
from standin.docker_service_tables import SERVICE
from standin.docker_state import planned
from standin.docker_tasks import NotConverged, Patience, converge, tasks
from standin.errors import InvalidInput, PartialFailure, ProviderError
from standin.provider import Created
from standin.values import Properties

# A new service shows how it is reached only after the swarm has allocated it.
_ENDPOINT_SECONDS: Final = 30
_PAUSE: Final = 0.5


class Service(DockerResource):
    """`docker service create`."""

    token = "docker:index/service:Service"
    noun = "service"
    table: ClassVar[ApiFields] = SERVICE

    def check(self, context: DockerContext, inputs: Properties, old_inputs: Properties) -> Properties:
        """Adds the rules that join two fields."""
        checked = super().check(context, inputs, old_inputs)
        mode = checked.get("mode")
        if isinstance(mode, Mapping) and mode.get("global") is True:
            for other, given in (("mode.replicated", mode.get("replicated")), ("convergeConfig", checked.get("convergeConfig"))):
                if given is not None:
                    raise InvalidInput("mode.global", f"cannot be true beside {other}: remove one of the two")
        return checked

    def create(self, context: DockerContext, inputs: Properties) -> Created:
        """Makes the service. One whose tasks do not come in time is removed again, as the vendor's plugin does."""
        api, plan = context.required_config(), planned(SERVICE, inputs, {})
        spec = service_spec(plan)
        pin_image(context, spec)
        try:
            service_id = str(api.post("/services/create", spec)["ID"])
            if "convergeConfig" in plan:
                self._wait_or_remove(context, service_id, plan)
        except ProviderError as error:
            raise ProviderError(f"cannot create the service {plan['name']}: {error}") from None
        return Created(service_id, self.state_after(api, service_id, plan))

    def _wait_or_remove(self, context: DockerContext, service_id: str, plan: Properties) -> None:
        try:
            converge(context, service_id, Patience.of(plan["convergeConfig"]), {})
        except NotConverged as error:
            context.required_config().delete(f"/services/{service_id}")
            raise ProviderError(f"{error}; the service was removed again") from None

    def make(self, api: DockerApi, plan: Properties) -> str:
        raise NotImplementedError("a service is made by create, which also waits for its tasks")

    def find(self, api: DockerApi, resource_id: str) -> Properties | None:
        """Waits a moment for a new service to show how it is reached."""
        deadline = time.monotonic() + _ENDPOINT_SECONDS
        while True:
            service = api.get(f"/services/{resource_id}")
            if service is None:
                return None
            if (spec := shown_spec(service)) is not None:
                return flatten(SERVICE, spec)
            if time.monotonic() > deadline:
                raise ProviderError(f"the swarm did not allocate the service within {_ENDPOINT_SECONDS} s")
            time.sleep(_PAUSE)

    def update(
        self,
        context: DockerContext,
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        """Changes the service in place, from the version that it has now."""
        api, plan = context.required_config(), planned(SERVICE, new_inputs, old_outputs)
        before = api.get(f"/services/{resource_id}")
        if before is None:
            raise ProviderError(f"the service {plan['name']} is gone: `pulumi refresh` makes the next `up` create it again")
        try:
            api.post(f"/services/{resource_id}/update", service_spec(plan), version=str(before["Version"]["Index"]))
        except ProviderError as error:
            raise ProviderError(f"cannot update the service {plan['name']}: {error}") from None
        if "convergeConfig" in plan:
            try:
                converge(context, resource_id, Patience.of(plan["convergeConfig"]), before)
            except NotConverged as error:
                outputs = self.state_after(api, resource_id, plan)
                reason = f"the service {plan['name']} did not become what it was updated to: {error}"
                raise PartialFailure(resource_id, outputs, [reason]) from None
        return self.state_after(api, resource_id, plan)

    def remove(self, context: DockerContext, resource_id: str, outputs: Properties) -> None:
        """Removes the service; with a stopGracePeriod, its containers on this node are to be gone within it.

        One that is not is an error, as with the vendor's plugin: it ignored its stop signal. The service is gone then.
        """
        api = context.required_config()
        text = outputs.get("taskSpec", {}).get("containerSpec", {}).get("stopGracePeriod", "")
        grace = parse_duration(text) / 1e9
        containers = _containers(api, resource_id) if grace else []
        api.delete(f"/services/{resource_id}")
        for container in containers:
            deadline = time.monotonic() + grace
            while api.get(f"/containers/{container}/json") is not None:
                if time.monotonic() > deadline:
                    raise ProviderError(
                        f"its container {container[:12]} did not stop within its stopGracePeriod of {text}: give it more"
                        " time, or make its process end at its stopSignal; the service itself is removed"
                    )
                context.status("waiting for its containers to stop")
                context.wait(_PAUSE)


def _containers(api: DockerApi, service_id: str) -> list[str]:
    statuses = [task["Status"] for task in tasks(api, service_id) if task["Status"]["State"] != "shutdown"]
    found = (status.get("ContainerStatus", {}).get("ContainerID") for status in statuses)
    return [container for container in found if container]


def service_spec(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What the API gets for a plan."""
    spec = expand(SERVICE, plan)
    container = spec["TaskTemplate"]["ContainerSpec"]
    container["Image"] = full_reference(container["Image"])
    return spec


def shown_spec(service: Mapping[str, Any]) -> dict[str, Any] | None:
    """The spec with the ports that the swarm gave; None until it shows either."""
    spec = service["Spec"]
    endpoint = service.get("Endpoint", {})
    mode = endpoint.get("Spec", {}).get("Mode")
    if mode:
        return {**spec, "EndpointSpec": {"Mode": mode, "Ports": endpoint.get("Ports")}}
    return dict(spec) if spec.get("EndpointSpec", {}).get("Mode") else None
