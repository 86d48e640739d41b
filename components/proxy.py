"""The front door: NGINX on the manager's port 80, in host mode, so that the hub's log shows the clients' own addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.services import ServiceArgs, config_file, manager_service

TEMPLATE = Path(__file__).resolve().parent.parent / "services" / "proxy" / "nginx.conf"


@dataclass(frozen=True, kw_only=True)
class ProxyArgs:
    """`domain` is the site's host name, or empty: then `public_ip` is its address. `userproxy` is host:port in the overlay."""

    network_id: pulumi.Input[str]
    image: pulumi.Input[str]
    userproxy: str
    domain: str
    public_ip: pulumi.Input[str]


class Proxy(pulumi.ComponentResource):
    """Output: `url`, what users open; known once NGINX runs."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Proxy", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        text = nginx_config(server_name=args.domain or "_", userproxy=args.userproxy)
        service = manager_service(
            f"{name}-nginx",
            ServiceArgs(
                service_name="proxy",
                image=args.image,
                network_id=args.network_id,
                memory_limit=256 * 1024**2,
                configs=[config_file(f"{name}-nginx-conf", text, "/etc/nginx/nginx.conf", child)],
                published=[80],
            ),
            child,
        )
        host = pulumi.Output.from_input(args.domain or args.public_ip)
        self.url = pulumi.Output.all(host, service.id).apply(lambda values: f"http://{values[0]}/")
        self.register_outputs({"url": self.url})


def nginx_config(*, server_name: str, userproxy: str) -> str:
    """services/proxy/nginx.conf with its values in place."""
    return TEMPLATE.read_text().replace("@SERVER_NAME@", server_name).replace("@USERPROXY@", userproxy)
