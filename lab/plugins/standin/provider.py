"""The base of the stand-in plugins: what a resource type and a provider configuration must say about themselves.

A plugin is a list of `ResourceType` objects and one `ConfigType`, given to `standin.server.serve`. The server speaks
the protocol; it checks fields, keeps secrets secret, answers previews and turns errors into the protocol's form.
"""

# ruff: noqa: ARG002 - the defaults need not all that an own answer may need

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from standin.context import ConfigT, Context
from standin.diffs import Diff, compare, hide_inside, mark_replacements
from standin.fields import Field, check_fields
from standin.values import UNKNOWN, Path, Properties, at_path


@dataclass(frozen=True)
class Created:
    """A new resource: the id to find it by, and all its outputs."""

    id: str
    outputs: Properties


@dataclass(frozen=True)
class State:
    """What a read found: the inputs that would make the resource as it is, and its outputs."""

    inputs: Properties
    outputs: Properties


class ResourceType(abc.ABC, Generic[ConfigT]):
    """One type of resource. Objects of it hold no state; calls come from many threads.

    Values are plain (see values.py). `UNKNOWN` occurs only in `check`, `diff` and the previews.
    """

    token: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    computed: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are not inputs: unknown in the preview of a create or update."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are secret whatever the inputs were."""

    def check(self, context: Context[ConfigT], inputs: Properties, old_inputs: Properties) -> Properties:
        """The inputs with defaults added. Raises InvalidInput; the names and kinds are checked before the values."""
        return check_fields(self.token, self.fields, inputs)

    def diff(self, context: Context[ConfigT], old_inputs: Properties, old_outputs: Properties, new_inputs: Properties) -> Diff:
        """What the new inputs change. By default: input against input, replacing where a field says so.

        A change inside a secret value is told as one of the whole value.
        """
        changes = hide_inside(compare(old_inputs, new_inputs), context.secrets)
        return Diff(mark_replacements(changes, self.fields))

    def preview_create(self, context: Context[ConfigT], inputs: Properties) -> Properties:
        """The outputs as far as a preview knows them."""
        return {**dict.fromkeys(self.computed, UNKNOWN), **inputs}

    def preview_update(
        self, context: Context[ConfigT], resource_id: str, old_outputs: Properties, new_inputs: Properties
    ) -> Properties:
        """The same for an update."""
        return {**dict.fromkeys(self.computed, UNKNOWN), **new_inputs}

    @abc.abstractmethod
    def create(self, context: Context[ConfigT], inputs: Properties) -> Created:
        """Makes the resource. Raises ProviderError when it was not made, PartialFailure when it was but is not well."""

    def read(self, context: Context[ConfigT], resource_id: str, inputs: Properties, outputs: Properties) -> State | None:
        """The resource as it is now, None when it is gone. By default: as it was recorded."""
        return State(inputs, outputs)

    @abc.abstractmethod
    def update(
        self,
        context: Context[ConfigT],
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        """Changes the resource in place and returns all its outputs."""

    @abc.abstractmethod
    def delete(self, context: Context[ConfigT], resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Removes the resource; one that is gone already is no error."""

    def redactions(self, values: Properties, secrets: frozenset[Path]) -> list[str]:
        """Texts that no message may carry: by default every secret text among the inputs."""
        return [text for path in secrets for text in texts(at_path(values, path))]


class ConfigType(abc.ABC, Generic[ConfigT]):
    """The provider's own configuration (`pulumi.ProviderResource` arguments or `pulumi config` values)."""

    fields: ClassVar[Mapping[str, Field]] = {}

    def check(self, config: Properties) -> Properties:
        """The configuration with defaults added. Raises InvalidInput."""
        return check_fields("the provider", self.fields, config)

    def diff(self, old: Properties, new: Properties) -> Diff:
        """By default a change replaces nothing."""
        return Diff(compare(old, new))

    @abc.abstractmethod
    def configure(self, config: Properties) -> ConfigT:
        """What operations get as `context.config`. Must not reach for the network: a preview also comes here."""


def texts(value: Any) -> list[str]:
    """Every text inside a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    text = getattr(value, "text", None)
    return [text] if isinstance(text, str) else []
