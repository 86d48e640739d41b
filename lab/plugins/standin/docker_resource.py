"""What every resource type of this plugin has in common: checks, differences, previews and states by a table of fields."""

# ruff: noqa: ARG002 - the arguments are those of the base

import re
import secrets
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from standin.context import Context
from standin.diffs import Diff
from standin.docker_connection import DockerApi
from standin.docker_diff import changes
from standin.docker_fields import ApiFields, check_rules
from standin.docker_state import applied, as_inputs, completed, planned
from standin.errors import ProviderError
from standin.fields import Field
from standin.provider import Created, ResourceType, State
from standin.values import UNKNOWN, Properties

DockerContext = Context[DockerApi]
_RANDOM_DIGITS: Final = 7


class DockerResource(ResourceType[DockerApi]):
    """A type whose states are read from the API.

    Differences are those of a plan against the recorded outputs, so that a refresh which found a change by hand leads
    to the change back.
    """

    table: ClassVar[ApiFields]
    noun: ClassVar[str]
    """What a message calls it."""

    def __init_subclass__(cls) -> None:
        """The base checks inputs by `fields`; the same table serves both."""
        super().__init_subclass__()
        if "table" in vars(cls):
            cls.fields = dict[str, Field](cls.table)

    @abstractmethod
    def make(self, api: DockerApi, plan: Properties) -> str:
        """Makes the object and returns its id."""

    @abstractmethod
    def find(self, api: DockerApi, resource_id: str) -> Properties | None:
        """The state of the object as the API shows it, None when it is gone."""

    @abstractmethod
    def remove(self, context: DockerContext, resource_id: str, outputs: Properties) -> None:
        """Removes the object; one that is gone is no error."""

    def check(self, context: DockerContext, inputs: Properties, old_inputs: Properties) -> Properties:
        """The inputs with defaults, the name among them: the resource's own with seven random digits."""
        checked = super().check(context, inputs, old_inputs)
        checked.setdefault("name", old_inputs.get("name") or automatic_name(context.name))
        check_rules(self.table, checked)
        return checked

    def diff(self, context: DockerContext, old_inputs: Properties, old_outputs: Properties, new_inputs: Properties) -> Diff:
        """What is to change. An object whose name was given goes before its replacement comes: the name may be taken."""
        found = tuple(changes(self.table, old_outputs, planned(self.table, new_inputs, old_outputs)))
        is_named = not is_automatic(context.name, str(new_inputs.get("name")))
        return Diff(found, delete_before_replace=is_named and any(change.replaces for change in found))

    def preview_create(self, context: DockerContext, inputs: Properties) -> Properties:
        """The plan; what Docker decides is not known yet."""
        return {**dict.fromkeys(self.computed, UNKNOWN), **planned(self.table, inputs, {}, UNKNOWN)}

    def preview_update(
        self, context: DockerContext, resource_id: str, old_outputs: Properties, new_inputs: Properties
    ) -> Properties:
        """The plan, with what Docker decided at the creation."""
        kept = {name: old_outputs[name] for name in self.computed if name in old_outputs}
        return {**kept, **planned(self.table, new_inputs, old_outputs)}

    def create(self, context: DockerContext, inputs: Properties) -> Created:
        """Makes the object and reads it back."""
        api, plan = context.required_config(), planned(self.table, inputs, {})
        try:
            resource_id = self.make(api, plan)
        except ProviderError as error:
            raise ProviderError(f"cannot create the {self.noun} {plan['name']}: {error}") from None
        return Created(resource_id, self.state_after(api, resource_id, plan))

    def state_after(self, api: DockerApi, resource_id: str, plan: Mapping[str, Any]) -> Properties:
        """The state after a create or an update."""
        found = self.find(api, resource_id)
        if found is None:
            raise ProviderError(f"the {self.noun} {plan['name']} was gone as soon as it was made: who removed it?")
        return applied(self.table, found, plan)

    def read(self, context: DockerContext, resource_id: str, inputs: Properties, outputs: Properties) -> State | None:
        """The object as it is now."""
        found = self.find(context.required_config(), resource_id)
        if found is None:
            return None
        state = completed(self.table, found, outputs)
        return State(as_inputs(self.table, inputs, state), state)

    def update(
        self,
        context: DockerContext,
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        """Never called for a type whose every field replaces."""
        raise ProviderError(f"Docker cannot change a {self.noun}; this is a mistake of the stand-in plugin")

    def delete(self, context: DockerContext, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Removes the object."""
        try:
            self.remove(context, resource_id, outputs)
        except ProviderError as error:
            raise ProviderError(f"cannot delete the {self.noun} {outputs.get('name', resource_id)}: {error}") from None


def automatic_name(resource_name: str) -> str:
    """A name like the vendor's plugin makes one."""
    return f"{resource_name}-{secrets.token_hex(_RANDOM_DIGITS)[:_RANDOM_DIGITS]}"


def is_automatic(resource_name: str, name: str) -> bool:
    """Whether `automatic_name` may have made this name."""
    return re.fullmatch(f"{re.escape(resource_name)}-[0-9a-f]{{{_RANDOM_DIGITS}}}", name) is not None
