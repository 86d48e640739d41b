"""`command:local:Command`: a line run by a shell of this machine."""

# ruff: noqa: S105 - a token here is the name of a type

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from standin.command_fields import LOCAL_COMMAND
from standin.command_types import CommandType, Run
from standin.context import Context
from standin.errors import ProviderError
from standin.fields import Field
from standin.process import Finished, Program, run
from standin.values import Properties


class LocalCommand(CommandType):
    """Runs with this process's environment, in `dir` or the program's folder, by `interpreter` or /bin/sh -c."""

    token: ClassVar[str] = "command:local:Command"
    fields: ClassVar[Mapping[str, Field]] = LOCAL_COMMAND

    def execute(self, context: Context[None], values: Properties, run: Run) -> Finished:
        """Starts the interpreter with the line as its last argument."""
        interpreter = values.get("interpreter") or ["/bin/sh", "-c"]
        folder = Path(values.get("dir") or Path.cwd())
        program = Program(
            argv=[*interpreter, run.command],
            env={**os.environ, **run.environment, **run.previous},
            stdin=run.stdin,
            folder=folder,
            log_stdout=run.log_stdout,
            log_stderr=run.log_stderr,
        )
        return _run(context, program)

    def how_it_ended(self, code: int) -> str:
        """As Go says it."""
        return f"signal: {-code}" if code < 0 else f"exit status {code}"


def _run(context: Context[None], program: Program) -> Finished:
    try:
        return run(context, program)
    except OSError as error:
        raise ProviderError(f"{program.argv[0]} in {program.folder}: {error.strerror}") from error
