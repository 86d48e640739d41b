"""`command:remote:Command`: a line run by the login shell of another machine."""

# ruff: noqa: S105 - a token here is the name of a type

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from standin.command_fields import REMOTE_COMMAND
from standin.command_types import CommandType, Run
from standin.context import Context
from standin.dial import dial, raise_if_not_connected
from standin.endpoint import Connection, refuse_passwords
from standin.errors import InvalidInput, ProviderError
from standin.fields import Field
from standin.process import Finished, Program, run
from standin.ssh import Client, prepared
from standin.values import Properties

_SSH_FAILED: Final = 255
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINES: Final = ("create", "update", "delete")
_SECRET_LINE: Final = (
    "must not be secret with the stand-in plugin, since it would show in this machine's process list; give the secret by stdin"
)
_REFUSED: Final = (
    "This only works if the SSH server is configured to accept the variable (AcceptEnv). "
    "Alternatively put it before the command: VAR=value command"
)


class RemoteCommand(CommandType):
    """Runs over ssh; a failing line is an error that says its exit status and what it wrote."""

    token: ClassVar[str] = "command:remote:Command"
    fields: ClassVar[Mapping[str, Field]] = REMOTE_COMMAND

    def check(self, context: Context[None], inputs: Properties, old_inputs: Properties) -> Properties:
        """Also refuses what only the vendor's own ssh client can do."""
        checked = super().check(context, inputs, old_inputs)
        refuse_passwords(checked["connection"])
        for line in _LINES:
            if (line,) in context.secrets:
                raise InvalidInput(line, _SECRET_LINE)
        return checked

    def execute(self, context: Context[None], values: Properties, run: Run) -> Finished:
        """Dials, sends the environment, runs the line.

        Whether the server let a variable in is looked up (by one more session) only where the line would miss it: for
        `environment`, and for the previous outputs when the line names them.
        """
        connection = Connection.from_inputs(values["connection"])
        sent = {**run.previous, **run.environment}
        for name in sent:
            if not _VARIABLE_NAME.fullmatch(name):
                raise ProviderError(f"environment: {name!r} is no name of a variable")
        with prepared(connection, list(sent)) as client:
            missed = list(run.environment) + [name for name in run.previous if name in run.command]
            if missed:
                _report_refused(context, _refused_names(context, client, sent, missed), run)
            return _session(context, client, run, sent)

    def how_it_ended(self, code: int) -> str:
        """As the vendor's ssh library says it."""
        return f"Process exited with status {code}"


def _session(context: Context[None], client: Client, line: Run, sent: Mapping[str, str]) -> Finished:
    # An empty line would ask for a shell instead of running nothing.
    argv = client.argv("-T", "target", "--", line.command or " ")
    program = Program(argv=argv, env=client.env(sent), stdin=line.stdin, log_stdout=line.log_stdout, log_stderr=line.log_stderr)

    def attempt() -> Finished:
        finished = run(context, program)
        if finished.code == _SSH_FAILED:
            raise_if_not_connected(client)
            if _lost(client.read_log("target") + finished.stderr):
                raise ProviderError(f"the connection was lost while running the command:\n{finished.both}")
        if finished.code < 0:
            raise ProviderError(f"the local ssh client was stopped by signal {-finished.code}")
        return finished

    return dial(context, client, attempt)


def _lost(log: str) -> bool:
    signs = ("Timeout, server", "Connection reset", "Connection closed by", "Broken pipe", "closed by remote host")
    return any(sign in log for sign in signs)


def _refused_names(context: Context[None], client: Client, sent: Mapping[str, str], missed: Sequence[str]) -> Sequence[str]:
    """Those of the `missed` variables that the server does not let through. OpenSSH's client is not told, so a session looks."""
    look = "; ".join(f"printenv {name} >/dev/null || echo {name}" for name in missed)
    line = Run(command=f"sh -c '{look}'", stdin=None, environment={}, previous={}, log_stdout=False, log_stderr=False)
    return _session(context, client, line, sent).stdout.split()


def _report_refused(context: Context[None], refused: Sequence[str], run: Run) -> None:
    for name in refused:
        if name in run.environment:
            raise ProviderError(f"could not set environment variable {name!r}. {_REFUSED}")
        context.warning(f"Unable to set {name!r}. {_REFUSED}")
