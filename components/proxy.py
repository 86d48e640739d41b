"""The front door: NGINX and its certificate, in host mode on the manager, so that the hub's log shows clients' own addresses."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_command import remote

from components import commands
from components.https import Https
from components.node import Node
from components.pages import refused_pages, restarting_page
from components.services import Config, Healthcheck, Mount, Secret, ServiceArgs, config_file, manager_service
from components.swarm_secrets import SecretMaker
from images.proxy.door.certificate import as_address
from images.proxy.door.external_account import HMAC_KEY, KEY_ID
from images.proxy.door.settings import ACME_CA, ADDRESS_VARIABLE, FILE, STATE, Settings
from images.proxy.door.store import CHAIN, KEY

SOURCE = Path(__file__).resolve().parent.parent / "services" / "proxy"
CONFIG_FOLDER = "/etc/nginx"
# What NGINX reads, by the scheme of the site.
CONFIG_FILES = {
    "https": ("nginx.conf", "https.conf", "alive.conf", "challenges.conf", "site.conf", "waiting.conf"),
    "http": ("nginx.conf", "http.conf", "alive.conf", "site.conf"),
}
# Without Python, which would take more of the machine in a day than NGINX does.
ALIVE = "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET /.alive HTTP/1.0\\r\\n\\r\\n' >&3; grep -q ' 204 ' <&3"


@dataclass(frozen=True, kw_only=True)
class ProxyArgs:
    """`domain` is the site's host name, or empty: then `public_ip` is its address. `userproxy` is host:port in the overlay.
    `title` is how the site calls itself. `state_folder` is on the manager, for certificates.

    `acme_ca` is a PEM text or empty. `acme_eab_key_id` and `acme_eab_hmac_key` (secrets, both or none) are for `https`
    letsencrypt, `certificate` and `certificate_key` (PEM texts, secrets) for provided.
    `hsts` is seconds, `upload_limit` bytes.
    """

    manager: Node
    swarm_id: pulumi.Input[str]
    network_id: pulumi.Input[str]
    image: pulumi.Input[str]
    userproxy: str
    state_folder: pulumi.Input[str]
    domain: str
    title: str
    public_ip: pulumi.Input[str]
    https: Https
    acme_server: str
    acme_email: str
    acme_profile: str
    acme_ca: str
    acme_eab_key_id: pulumi.Output[str] | None
    acme_eab_hmac_key: pulumi.Output[str] | None
    certificate: pulumi.Output[str] | None
    certificate_key: pulumi.Output[str] | None
    hsts: int
    upload_limit: int


class Proxy(pulumi.ComponentResource):
    """Outputs: `url`, what users open; known once NGINX runs. `ca_certificate`, the PEM text of the site's own CA, or empty."""

    url: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]

    def __init__(self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("jupyterhub-swarm:index:Proxy", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        scheme = "http" if args.https is Https.NONE else "https"
        secrets = self._secrets()
        service = manager_service(
            f"{name}-nginx",
            ServiceArgs(
                service_name="proxy",
                image=args.image,
                network_id=args.network_id,
                memory_limit=256 * 1024**2,
                environment={ADDRESS_VARIABLE: args.public_ip},
                mounts=[Mount(type="bind", source=args.state_folder, target=str(STATE))],
                secrets=secrets,
                configs=self._configs(scheme),
                published=[80] if scheme == "http" else [80, 443],
                healthcheck=Healthcheck(
                    tests=["CMD", "bash", "-c", ALIVE], interval="15s", timeout="10s", start_period="1m", retries=3
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=self._tried()),
        )
        host = pulumi.Output.from_input(args.domain or args.public_ip)
        self.url = pulumi.Output.all(host, service.id).apply(lambda values: f"{scheme}://{values[0]}/")
        self.ca_certificate = pulumi.Output.from_input("")
        if args.https is Https.SELFSIGNED:
            self.ca_certificate = self._own_ca(host, service)
        self.register_outputs({"url": self.url, "ca_certificate": self.ca_certificate})

    def _configs(self, scheme: str) -> list[Config]:
        args = self._args
        files = nginx_configs(
            scheme=scheme,
            server_name=args.domain or "_",
            title=args.title,
            userproxy=args.userproxy,
            upload_limit=args.upload_limit,
            # A browser that has it would not even let people look at the certificate of an unknown CA.
            hsts=0 if args.https is Https.SELFSIGNED else args.hsts,
        )
        by_acme = args.https is Https.LETSENCRYPT
        settings = Settings(
            https=args.https,
            domain=args.domain,
            address="",
            acme_server=args.acme_server if by_acme else "",
            acme_email=args.acme_email if by_acme else "",
            acme_profile=args.acme_profile if by_acme else "",
            acme_ca=by_acme and bool(args.acme_ca),
            acme_eab=by_acme and args.acme_eab_key_id is not None,
        )
        paths = {f"{CONFIG_FOLDER}/{file}": text for file, text in files.items()} | {str(FILE): settings.render()}
        if settings.acme_ca:
            paths[str(ACME_CA)] = args.acme_ca
        return [config_file(f"{self._name}-{Path(path).stem}", text, path, self._child) for path, text in paths.items()]

    def _secrets(self) -> list[Secret]:
        """What is given for the mode: an account at the CA, or a certificate and its key. Swarm secrets cannot change: another
        certificate has other names. settings.py refuses one of two."""
        args = self._args
        secrets = SecretMaker(self._name, args.manager, args.swarm_id, self)
        if args.https is Https.LETSENCRYPT and args.acme_eab_key_id is not None and args.acme_eab_hmac_key is not None:
            return [secrets.given(KEY_ID, args.acme_eab_key_id), secrets.given(HMAC_KEY, args.acme_eab_hmac_key)]
        certificate, key = args.certificate, args.certificate_key
        if args.https is not Https.PROVIDED or certificate is None or key is None:
            return []
        # A certificate is public, and another key comes with another one.
        return [
            secrets.given("certificate", certificate, file=CHAIN),
            secrets.given("certificate-key", key, file=KEY, hashed=certificate),
        ]

    def _tried(self) -> list[pulumi.Resource]:
        """The trial of a given certificate, before the service that serves another one is stopped."""
        args = self._args
        if args.https is not Https.PROVIDED or args.certificate is None or args.certificate_key is None:
            return []
        return [
            remote.Command(
                f"{self._name}-certificate-tried",
                connection=args.manager.connection,
                create=pulumi.Output.from_input(args.image).apply(try_certificate),
                stdin=pulumi.Output.concat(args.certificate, "\n", args.certificate_key),
                triggers=[args.manager.machine_id],
                opts=pulumi.ResourceOptions(parent=self),
            )
        ]

    def _own_ca(self, host: pulumi.Output[str], service: pulumi.CustomResource) -> pulumi.Output[str]:
        path = pulumi.Output.all(self._args.state_folder, host).apply(lambda at: f"{at[0]}/{Https.SELFSIGNED}/{at[1]}/ca.pem")
        return remote.Command(
            f"{self._name}-ca",
            connection=self._args.manager.connection,
            create=path.apply(commands.wait_for_file),
            triggers=[self._args.manager.machine_id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
        ).stdout


def try_certificate(image: str) -> str:
    """The shell line that fails where an image's NGINX would not take the certificate and the key on its standard input."""
    return f"docker run --rm --interactive --network none --entrypoint python3 {shlex.quote(image)} -m door try"


def nginx_configs(*, scheme: str, server_name: str, title: str, userproxy: str, upload_limit: int, hsts: int) -> dict[str, str]:
    """The files of services/proxy that a site of the scheme needs, by name, with their values in place.

    `server_name` is a host name or an address, or `_` for a site without either. `upload_limit` is bytes; `hsts` the seconds
    that a browser remembers to come by https only, 0 for not at all.
    """
    values = {
        "SCHEME": scheme,
        "SERVER_NAME": server_name,
        "REDIRECT_HOST": "$host" if server_name == "_" else server_name,
        "USERPROXY": userproxy,
        "UPLOAD_LIMIT": str(upload_limit),
        "HSTS": f"max-age={hsts}" if hsts else "",
    }
    # Who comes by an address names no host in TLS (RFC 6066, 3), and would be taken for a stranger.
    named = server_name != "_" and as_address(server_name) is None
    files = [*CONFIG_FILES[scheme], *(["strangers.conf"] if scheme == "https" and named else [])]
    rendered = {file: _rendered((SOURCE / file).read_text(), values) for file in files}
    return {**rendered, "restarting.html": restarting_page(title), **refused_pages(title, upload_limit)}


def _rendered(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
