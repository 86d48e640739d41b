"""A spawner whose servers have names of their own, whatever their users are called, and keep them while they run."""

from __future__ import annotations

from typing import Any

from dockerspawner import SwarmSpawner
from traitlets import Dict, default

from services.hub import service_names, swarm_templates


class _Options(Dict):
    """What a request says of its server. JupyterHub stores whatever JSON was sent, and makes no spawner of what is no object: a
    hub that starts with one such row in its database ends. It is taken as nothing."""

    def validate(self, obj: Any, value: Any) -> Any:
        return super().validate(obj, value if isinstance(value, dict) else {})


class NamedSpawner(SwarmSpawner):  # type: ignore[misc]  # dockerspawner has no types
    """Names the service and the OAuth client by service_names.py. `templates` are the texts that Swarm may run: those of the
    configuration, before a hook has changed anything."""

    user_options = _Options()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.templates = swarm_templates.found_in(self.environment, self.extra_container_spec)

    @default("object_name")
    def _object_name_default(self) -> str:
        others = [one for one in getattr(self.user, "spawners", {}).values() if one is not self and one.object_id]
        todays, taken = super()._object_name_default(), {one.object_name for one in others}
        return service_names.service_name(self.user.name, self.name, todays, self.prefix, taken)

    def name_anew(self) -> None:
        """Before a start: the server before this one may have had a name by older rules."""
        self.object_name = self._object_name_default()

    def load_state(self, state: dict[str, Any]) -> None:
        """A server that runs keeps the service that it has, and the OAuth client that it was started with."""
        super().load_state(state)
        client = self.orm_spawner.oauth_client if self.orm_spawner.server else None
        self.oauth_client_id = client.identifier if client else service_names.oauth_client_id(self.user.name, self.name)
