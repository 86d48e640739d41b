"""What the cloud itself says of its servers, asked over OpenStack's API with the stack's own credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
import yaml

LIMIT = 90  # seconds


class Cloud:
    """One cloud of a clouds.yaml, by its name there."""

    def __init__(self, clouds_file: Path, name: str) -> None:
        clouds: dict[str, Any] = yaml.safe_load(clouds_file.read_text(encoding="utf-8"))["clouds"]
        self._settings = clouds[name]

    def servers(self) -> dict[str, str]:
        """The project's servers: name -> status, such as ACTIVE. A name twice gets ` (2)`: none goes unseen."""
        found: dict[str, str] = {}
        for server in self._list("compute", "servers"):
            name, number = str(server["name"]), 1
            while name in found:
                number += 1
                name = f"{server['name']} ({number})"
            found[name] = str(server["status"])
        return found

    def server_id(self, name: str) -> str:
        """The id of the project's one server of that name."""
        (found,) = (str(server["id"]) for server in self._list("compute", "servers") if server["name"] == name)
        return found

    def volumes(self) -> dict[str, int]:
        """The project's volumes by id: their sizes in GiB."""
        return {str(volume["id"]): int(volume["size"]) for volume in self._list("volumev3", "volumes")}

    def ask(self, service: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A request to a service's API, by the path below its endpoint; what it answers. Raises requests' errors."""
        token, catalog = self._authenticate()
        address = f"{self._endpoint(catalog, service)}/{path}"
        answer = requests.request(method, address, headers={"X-Auth-Token": token}, json=body, timeout=LIMIT)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def _list(self, service: str, what: str) -> list[dict[str, Any]]:
        return list(self.ask(service, "GET", f"{what}/detail")[what])

    def _authenticate(self) -> tuple[str, list[dict[str, Any]]]:
        auth = self._settings["auth"]
        user = {
            "name": auth["username"],
            "password": auth["password"],
            "domain": _domain(auth, "user"),
        }
        project = {"name": auth["project_name"], "domain": _domain(auth, "project")}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = requests.post(
            f"{auth['auth_url'].rstrip('/').removesuffix('/v3')}/v3/auth/tokens",
            json={"auth": {"identity": identity, "scope": {"project": project}}},
            timeout=LIMIT,
        )
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"], answer.json()["token"]["catalog"]

    def _endpoint(self, catalog: list[dict[str, Any]], kind: str) -> str:
        region = self._settings.get("region_name", "RegionOne")
        for service in catalog:
            for endpoint in service["endpoints"]:
                if (service["type"], endpoint["interface"], endpoint["region"]) == (kind, "public", region):
                    return str(endpoint["url"]).rstrip("/")
        raise LookupError(f"the cloud's catalog has no public {kind} endpoint in region {region!r}")


def _domain(auth: dict[str, str], of: str) -> dict[str, str]:
    """Keystone's words for a domain given by id or by name."""
    if f"{of}_domain_id" in auth:
        return {"id": auth[f"{of}_domain_id"]}
    return {"name": auth.get(f"{of}_domain_name", "Default")}
