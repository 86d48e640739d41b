"""The tokens that JupyterHub makes for servers, found again by their hash.

JupyterHub revokes a server's token at its stop by the token itself, which it only has while it runs: after a restart of the hub
the tokens of all servers that ran or started would be valid for ever. The hash is no secret: the database has it anyway.
"""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, object_session

from services.hub.service_spec import environment


def session(spawner: orm.Spawner) -> Session:
    """The hub's session with its database. Raises RuntimeError for a row that was never stored."""
    found = object_session(spawner)
    if found is None:
        raise RuntimeError("this spawner's row belongs to no database")
    return found


def in_service(service: dict[str, Any]) -> str:
    """The token that a service (as the Docker API tells it) gives its server; empty where it gives none."""
    return environment(service).get("JUPYTERHUB_API_TOKEN", "")


def hash_of(spawner: orm.Spawner, token: str) -> str:
    """The hash under which the database has the token; empty where it has not."""
    found: Any = orm.APIToken.find(session(spawner), token)
    return str(found.hashed) if found else ""


def revoke(spawner: orm.Spawner, token_hash: str) -> None:
    """Remove the token from the database, if it is there and is of the spawner's user."""
    database = session(spawner)
    for token in database.query(orm.APIToken).filter_by(hashed=token_hash, user_id=spawner.user_id):
        database.delete(token)
    commit(database)


def commit(database: Session) -> None:
    """Commit. Raises what the database says, and leaves the session, which all of the hub shares, fit for the next request."""
    try:
        database.commit()
    except SQLAlchemyError:
        database.rollback()
        raise
