"""The user proxy between NGINX, the hub and the notebooks: configurable-http-proxy, whose API only the hub can reach."""

from __future__ import annotations

from pathlib import PurePosixPath

import pulumi

from components.pages import restarting_page
from components.services import Mount, Secret, ServiceArgs, config_file, manager_service

ADDRESS = "userproxy:8000"
# Without a hub there is nobody to ask for an error page, so the user proxy has its own; error.html is for all statuses.
ERROR_FOLDER = "/etc/userproxy/errors"
# Where the hub looks for it, too (services/hub/socket_proxy.py).
SOCKET = "/run/userproxy/api.sock"
MEMORY = 512 * 1024**2


def socket_mount() -> Mount:
    """The folder of the API's socket, in both services: a volume of the manager, which both run on."""
    return Mount(type="volume", source="jupyterhub-userproxy-api", target=str(PurePosixPath(SOCKET).parent))


def user_proxy(
    name: str,
    *,
    image: pulumi.Input[str],
    network_id: pulumi.Input[str],
    token: Secret,
    title: str,
    opts: pulumi.ResourceOptions,
) -> str:
    """Declare the service; returns host:port of it in the overlay. `token` opens its API."""
    manager_service(
        f"{name}-userproxy",
        ServiceArgs(
            service_name="userproxy",
            image=image,
            network_id=network_id,
            memory_limit=MEMORY,
            arguments=[
                "--ip=0.0.0.0",
                "--port=8000",
                f"--api-socket={SOCKET}",
                f"--error-path={ERROR_FOLDER}",
                # Milliseconds. Longer than NGINX keeps its connections (services/proxy/nginx.conf), which must close first.
                "--keep-alive-timeout=75000",
            ],
            mounts=[socket_mount()],
            secrets=[token],
            configs=[config_file(f"{name}-restarting", restarting_page(title), f"{ERROR_FOLDER}/error.html", opts)],
        ),
        opts,
    )
    return ADDRESS
