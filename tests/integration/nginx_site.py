"""What the tests of the front door's NGINX have in common."""

import ssl

from components.proxy import nginx_configs
from tests.integration.door_site import NAME, Site

MIB = 1024**2


def configs_of(scheme: str, userproxy: str, server_name: str = NAME) -> dict[str, str]:
    """The files of /etc/nginx, by their paths in the container."""
    texts = nginx_configs(
        scheme=scheme, server_name=server_name, title="Physics 101", userproxy=userproxy, upload_limit=512 * MIB, hsts=100
    )
    return {f"/etc/nginx/{file}": text for file, text in texts.items()}


def trust(site: Site, *protocols: str) -> ssl.SSLContext:
    """TLS as a browser does it that trusts the site's CA and speaks the protocols."""
    context = ssl.create_default_context(cafile=str(site.state / "selfsigned" / NAME / "ca.pem"))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context
