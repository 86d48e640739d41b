"""Refuses names where all ways to the hub's database meet, whether by a page, a link or the API. What is there stays as it is."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from sqlalchemy import event
from tornado.web import HTTPError

from services.hub.name_rules import server_refusal


def begin() -> None:
    """From now on. JupyterHub has a setting for names of users (username_pattern), but none for these."""
    for attribute, listener in ((orm.Spawner.name, _server_gets_a_name), (orm.User.name, _user_gets_a_name)):
        if not event.contains(attribute, "set", listener):
            event.listen(attribute, "set", listener, active_history=True, retval=True)


def _server_gets_a_name(_: orm.Spawner, name: Any, __: Any, ___: Any) -> Any:
    """A server is about to be made. JupyterHub's pages and API tell the user what this raises."""
    refusal = server_refusal(str(name or ""))
    if refusal:
        raise HTTPError(400, "%s", refusal)
    return name


def _user_gets_a_name(_: orm.User, name: Any, before: Any, __: Any) -> Any:
    """A user is about to be made, which username_pattern has seen, or an admin gives one another name."""
    if not isinstance(before, str) or name == before:
        return name
    if name is None:
        # JupyterHub 5.5.4 takes the name away where a change of something else repeats it, as the admin page does.
        return before
    raise HTTPError(
        409,
        "%s",
        f"{before} keeps this name. The home, its size, the account and the server go by it: as {name}, the person would have an "
        f"empty home, and {before} could sign in again. Instead, add {name} as a user and move the home (docs/operations.md, "
        "'Another name for a user').",
    )
