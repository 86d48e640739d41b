"""A provider with one resource type, made for the tests of the provider base."""

from collections.abc import Mapping
from typing import Any, ClassVar

from standin.context import Context
from standin.errors import InvalidInput, PartialFailure, ProviderError
from standin.fields import Field, Kind
from standin.provider import ConfigType, Created, ResourceType, State
from standin.values import Properties

TOKEN = "toy:index:Thing"


class Thing(ResourceType[dict[str, Any]]):
    """Echoes its inputs; fails or waits when told so."""

    token: ClassVar[str] = TOKEN
    fields: ClassVar[Mapping[str, Field]] = {
        "name": Field(required=True, replaces=True),
        "size": Field(kind=Kind.INTEGER, default=3),
        "password": Field(secret=True),
        "mode": Field(choices=("echo", "fail", "half", "crash", "wait", "show")),
        "tags": Field(kind=Kind.LIST, items=Field()),
        "free": Field(kind=Kind.ANY),
        "nested": Field(kind=Kind.OBJECT, fields={"inner": Field(), "list": Field(kind=Kind.LIST, items=Field())}),
        "file": Field(kind=Kind.FILE),
    }
    computed = frozenset({"address"})
    secret_outputs = frozenset({"token"})

    def create(self, context: Context[dict[str, Any]], inputs: Properties) -> Created:
        password = inputs.get("password", "")
        if inputs.get("mode") == "fail":
            raise ProviderError(f"the server said: {password} is wrong")
        if inputs.get("mode") == "half":
            raise PartialFailure("half-made", {**inputs, "address": "a"}, ["it does not answer"])
        if inputs.get("mode") == "crash":
            raise KeyError(password)
        if inputs.get("mode") == "wait":
            context.status("waiting")
            context.wait(30)
        if inputs.get("mode") == "show":
            context.status(f"signing in with {password}")
            context.info(f"configured with {context.config}")
        outputs = {**inputs, "address": "10.0.0.1", "token": "t"}
        if "tags" in outputs:
            outputs["tags"] = sorted(outputs["tags"])
        return Created("new-id", outputs)

    def read(self, context: Context[dict[str, Any]], resource_id: str, inputs: Properties, outputs: Properties) -> State | None:
        return None if resource_id == "gone" else State(inputs, {**outputs, "address": "10.0.0.2"})

    def update(
        self,
        context: Context[dict[str, Any]],
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        return {**new_inputs, "address": old_outputs["address"], "token": "t"}

    def delete(self, context: Context[dict[str, Any]], resource_id: str, inputs: Properties, outputs: Properties) -> None:
        if resource_id == "stuck":
            raise ProviderError("it is in use")


class ToyConfig(ConfigType[dict[str, Any]]):
    fields: ClassVar[Mapping[str, Field]] = {
        "host": Field(required=True),
        "options": Field(kind=Kind.LIST, items=Field()),
    }

    def configure(self, config: Properties) -> dict[str, Any]:
        if config["host"] == "bad":
            raise InvalidInput("host", "must be good")
        return config
