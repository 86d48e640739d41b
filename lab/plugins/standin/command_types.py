"""What remote and local commands have in common: when which line runs, and what becomes of its output."""

# ruff: noqa: ARG002 - an answer need not use all it is given

import abc
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from standin.context import Context
from standin.errors import ProviderError
from standin.fields import Field
from standin.process import Finished
from standin.provider import Created, ResourceType
from standin.values import UNKNOWN, Path, Properties, has_unknown

PREVIOUS: Final = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
_SECRET_PARTS: Final = frozenset({"privateKey", "privateKeyPassword", "password"})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One line to run, with everything it gets. `previous` are the outputs of the run before, by variable name."""

    command: str
    stdin: bytes | None
    environment: Mapping[str, str]
    previous: Mapping[str, str]
    log_stdout: bool
    log_stderr: bool


class CommandType(ResourceType[None], abc.ABC):
    """A command on some machine. The three lines run as the vendor's plugin runs them.

    `create` at first; at a change of any input `update`, or `create` when there is none; at the end `delete`, with the
    recorded inputs. A changed trigger makes the resource anew. Nothing is read back: what a command did is not looked
    at again.
    """

    fields: ClassVar[Mapping[str, Field]]
    computed = frozenset({"stdout", "stderr"})

    @abc.abstractmethod
    def execute(self, context: Context[None], values: Properties, run: Run) -> Finished:
        """Runs the line where `values` (inputs) say."""

    @abc.abstractmethod
    def how_it_ended(self, code: int) -> str:
        """The vendor's words for an exit status."""

    def preview_update(
        self, context: Context[None], resource_id: str, old_outputs: Properties, new_inputs: Properties
    ) -> Properties:
        """Outputs stay known when the only changes are inputs that had no value before, as with the vendor."""
        kept = {name: old_outputs.get(name, "") for name in self.computed}
        changed = has_unknown(new_inputs) or any(
            new_inputs.get(name) != value for name, value in old_outputs.items() if name in self.fields
        )
        return {**(dict.fromkeys(self.computed, UNKNOWN) if changed else kept), **new_inputs}

    def create(self, context: Context[None], inputs: Properties) -> Created:
        """Runs `create`, if there is one."""
        outputs = self._outputs_of(context, "create", inputs, {"stdout": "", "stderr": ""})
        return Created(f"{context.name}{secrets.token_hex(4)}", {**inputs, **outputs})

    def update(
        self,
        context: Context[None],
        resource_id: str,
        old_inputs: Properties,
        old_outputs: Properties,
        new_inputs: Properties,
    ) -> Properties:
        """Runs `update`, else `create`, if there is one; keeps the old outputs when there is neither."""
        kept = {name: old_outputs.get(name, "") for name in self.computed}
        line = "update" if "update" in new_inputs else "create"
        return {**new_inputs, **self._outputs_of(context, line, new_inputs, kept)}

    def delete(self, context: Context[None], resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Runs `delete`, if there is one, with what was recorded at the last create or update."""
        self._outputs_of(context, "delete", outputs, {name: outputs.get(name, "") for name in self.computed})

    def redactions(self, values: Properties, secrets: frozenset[Path]) -> list[str]:
        """All secrets but the connection's addresses and names, which errors must be able to say."""
        outside = frozenset(path for path in secrets if path[:1] != ("connection",))
        return super().redactions(values, outside) + connection_secrets(values.get("connection"))

    def _outputs_of(self, context: Context[None], line: str, values: Properties, previous: Mapping[str, str]) -> Properties:
        command = values.get(line)
        if command is None:
            return dict(previous)
        add_previous = values.get("addPreviousOutputInEnv", True)
        logging = values.get("logging", "stdoutAndStderr")
        run = Run(
            command=command,
            stdin=values["stdin"].encode() if values.get("stdin") else None,
            environment=values.get("environment", {}),
            previous={PREVIOUS[name]: text for name, text in previous.items() if text and add_previous},
            log_stdout=logging in ("stdout", "stdoutAndStderr"),
            log_stderr=logging in ("stderr", "stdoutAndStderr"),
        )
        finished = self.execute(context, values, run)
        if finished.code != 0:
            quoted = json.dumps(command, ensure_ascii=False)
            raise ProviderError(f"{self.how_it_ended(finished.code)}: running {quoted}:\n{finished.both}")
        return {"stdout": finished.stdout.removesuffix("\n"), "stderr": finished.stderr.removesuffix("\n")}


def connection_secrets(connection: Any) -> list[str]:
    """The texts of a connection that nobody may see."""
    if not isinstance(connection, Mapping):
        return []
    found = [str(connection[name]) for name in _SECRET_PARTS if name in connection]
    return found + connection_secrets(connection.get("proxy"))
