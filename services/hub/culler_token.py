"""Tokens of the culler's: each for one right on one server, for minutes, and gone after use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyterhub import orm

# Not the name that earlier versions used: JupyterHub deletes a service that is no longer configured with all its tokens, and
# those had been sent to every server.
OWNER = "server-culler"
# A service that is no process and has no token of its own. The role is the most that a token of it may be for; each token also
# says whose it is, else JupyterHub logs a warning at each use.
SERVICE = {"name": OWNER}
ROLE = {
    "name": OWNER,
    "scopes": ["access:servers", "delete:servers", f"read:services:name!service={OWNER}"],
    "services": [OWNER],
}
LASTS_S = 120


@contextmanager
def token_for(db: Any, right: str, spawner: Any) -> Iterator[str]:
    """A token with one right (`access:servers`) on this server alone. Raises LookupError where the service is not configured."""
    owner = orm.Service.find(db, OWNER)
    if owner is None:
        raise LookupError(
            f"the service {OWNER!r} is missing: in the hub's extra configuration, add to c.JupyterHub.services and "
            "c.JupyterHub.load_roles with .append(), and do not replace them"
        )
    scope = f"{right}!server={spawner.user.name}/{spawner.name}"
    token = owner.new_api_token(scopes=[scope], note=f"Culler: {scope}", expires_in=LASTS_S)
    try:
        yield token
    finally:
        found = orm.APIToken.find(db, token)
        if found is not None:
            db.delete(found)
            db.commit()
