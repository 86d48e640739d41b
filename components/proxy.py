"""The front door: NGINX on the manager's port 80, in host mode, so that the hub's log shows the clients' own addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.pages import restarting_page
from components.services import ServiceArgs, config_file, manager_service

SOURCE = Path(__file__).resolve().parent.parent / "services" / "proxy"
CONFIG_FOLDER = "/etc/nginx"
# What NGINX reads, by the scheme of the site.
CONFIG_FILES = {
    "https": ("nginx.conf", "https.conf", "challenges.conf", "site.conf", "waiting.conf"),
    "http": ("nginx.conf", "http.conf", "site.conf"),
}


@dataclass(frozen=True, kw_only=True)
class ProxyArgs:
    """`domain` is the site's host name, or empty: then `public_ip` is its address. `userproxy` is host:port in the overlay.
    `title` is how the site calls itself.
    """

    network_id: pulumi.Input[str]
    image: pulumi.Input[str]
    userproxy: str
    domain: str
    title: str
    public_ip: pulumi.Input[str]


class Proxy(pulumi.ComponentResource):
    """Output: `url`, what users open; known once NGINX runs."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Proxy", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        texts = nginx_configs(
            scheme="http",
            server_name=args.domain or "_",
            title=args.title,
            userproxy=args.userproxy,
            upload_limit=512 * 1024**2,
            hsts=0,
        )
        service = manager_service(
            f"{name}-nginx",
            ServiceArgs(
                service_name="proxy",
                image=args.image,
                network_id=args.network_id,
                memory_limit=256 * 1024**2,
                configs=[
                    config_file(f"{name}-{Path(file).stem}", text, f"{CONFIG_FOLDER}/{file}", child)
                    for file, text in texts.items()
                ],
                published=[80],
            ),
            child,
        )
        host = pulumi.Output.from_input(args.domain or args.public_ip)
        self.url = pulumi.Output.all(host, service.id).apply(lambda values: f"http://{values[0]}/")
        self.register_outputs({"url": self.url})


def nginx_configs(*, scheme: str, server_name: str, title: str, userproxy: str, upload_limit: int, hsts: int) -> dict[str, str]:
    """The files of services/proxy that a site of the scheme needs, by name, with their values in place.

    `server_name` is `_` for a site without a host name. `upload_limit` is bytes; `hsts` the seconds that a browser remembers to
    come by https only, 0 for not at all.
    """
    values = {
        "SCHEME": scheme,
        "SERVER_NAME": server_name,
        "REDIRECT_HOST": "$host" if server_name == "_" else server_name,
        "USERPROXY": userproxy,
        "UPLOAD_LIMIT": str(upload_limit),
        "HSTS": f"max-age={hsts}" if hsts else "",
    }
    files = [*CONFIG_FILES[scheme], *(["strangers.conf"] if scheme == "https" and server_name != "_" else [])]
    rendered = {file: _rendered((SOURCE / file).read_text(), values) for file in files}
    return {**rendered, "restarting.html": restarting_page(title)}


def _rendered(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
