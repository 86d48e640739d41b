"""Pebble, Let's Encrypt's small CA for tests, and its name server, in containers on the tests' engine."""

import http.client
import io
import json
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from images.proxy.door.authority import Authority
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import wait_until
from tests.integration.workspace import ROOT

IMAGE = "pebble:1"
NAMES_ADDRESS, PEBBLE_ADDRESS = "10.202.0.2", "10.202.0.3"
ROOT_CERTIFICATE = "roots/0"  # on its management port
DIRECTORY = f"https://{PEBBLE_ADDRESS}:14000/dir"


class Pebble:
    """A CA whose certificates live as long as it is told; `ca` is the PEM text that its own API is trusted by."""

    def __init__(self, engine: DockerEngine, folder: Path, network: str) -> None:
        self._engine, self._folder, self._network = engine, folder, network
        own = Authority(PEBBLE_ADDRESS, folder)
        pair = own.issue()
        (folder / "api.pem").write_text(pair.chain)
        (folder / "api-key.pem").write_text(pair.key)
        self.ca = (folder / "selfsigned" / PEBBLE_ADDRESS / "ca.pem").read_text()

    def start(self, validity_s: int, customers: dict[str, str] | None = None) -> None:
        """The name server, which knows no name yet, and the CA; with `customers`, HMAC keys by key ids, it is for them alone."""
        (self._folder / "pebble.json").write_text(json.dumps(self._config(validity_s, customers or {})))
        self._run(
            "names",
            NAMES_ADDRESS,
            [
                "/pebble-challtestsrv",
                "-defaultIPv4",
                "",
                "-defaultIPv6",
                "",
                "-dnsserver",
                ":53",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-doh",
                "",
            ],
        )
        self._run("pebble", PEBBLE_ADDRESS, ["/pebble", "-config", "/test/pebble.json", "-dnsserver", f"{NAMES_ADDRESS}:53"])

    def resolve(self, name: str, address: str) -> None:
        """Make a name known."""
        body = json.dumps({"host": name, "addresses": [address]}).encode()
        head = f"POST /add-a HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with self._engine.network.connect(NAMES_ADDRESS, 8055) as connection:
            connection.sendall(head + body)
            assert b" 200 " in connection.recv(1000)

    def resolve_soon(self, name: str, address: str) -> None:
        """Make a name known as soon as the name server runs."""

        def resolves() -> bool:
            self.resolve(name, address)
            return True

        wait_until("the name server", resolves, 30)

    def trust(self) -> ssl.SSLContext:
        """Trusts what this CA issues, by its root."""
        return ssl.create_default_context(cadata=self._manage("GET", ROOT_CERTIFICATE))

    def want_renewed(self, certificate: bytes) -> None:
        """From here on it says that this one (DER) is to be renewed since an hour, as before a revocation."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        window = {"start": hour_ago.isoformat(), "end": (hour_ago + timedelta(seconds=1)).isoformat()}
        said = {"Certificate": ssl.DER_cert_to_PEM_cert(certificate), "ARIResponse": json.dumps({"suggestedWindow": window})}
        self._manage("POST", "set-renewal-info/", json.dumps(said))

    def _manage(self, method: str, path: str, body: str | None = None) -> str:
        """A request to its management port."""
        connection = http.client.HTTPConnection(PEBBLE_ADDRESS)
        own = ssl.create_default_context(cadata=self.ca)
        connection.sock = own.wrap_socket(self._engine.network.connect(PEBBLE_ADDRESS, 15000), server_hostname=PEBBLE_ADDRESS)
        connection.request(method, f"/{path}", body, {"User-Agent": "tests"})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text

    def cut_off(self) -> None:
        """From here on it cannot be reached."""
        self._engine.docker("network", "disconnect", self._network, "pebble")

    def reconnect(self) -> None:
        """It can be reached again."""
        self._engine.docker("network", "connect", "--ip", PEBBLE_ADDRESS, self._network, "pebble")

    def stop(self) -> None:
        for name in ("names", "pebble"):
            self._engine.docker("rm", "--force", name)

    def _run(self, name: str, address: str, command: list[str]) -> None:
        self._engine.docker(
            "run", "--detach", "--name", name, "--network", self._network, "--ip", address,
            "--env", "PEBBLE_VA_NOSLEEP=1", "--env", "PEBBLE_WFE_NONCEREJECT=0", "--env", "PEBBLE_AUTHZREUSE=0",
            "--volume", f"{self._folder}:/test:ro", IMAGE, *command,
        )  # fmt: skip

    def _config(self, validity_s: int, customers: dict[str, str]) -> dict[str, object]:
        return {
            "pebble": {
                "listenAddress": "0.0.0.0:14000",
                "managementListenAddress": "0.0.0.0:15000",
                "certificate": "/test/api.pem",
                "privateKey": "/test/api-key.pem",
                "httpPort": 80,
                "tlsPort": 443,
                "retryAfter": {"authz": 1, "order": 1},
                "externalAccountBindingRequired": bool(customers),
                "externalAccountMACKeys": customers,
                "profiles": {"default": {"description": "as long as the test likes", "validityPeriod": validity_s}},
            }
        }


@contextmanager
def running(
    engine: DockerEngine, folder: Path, network: str, validity_s: int, customers: dict[str, str] | None = None
) -> Iterator[Pebble]:
    """A CA, and a name server that knows no name, until the block ends."""
    make_image(engine)
    authority = Pebble(engine, folder, network)
    authority.start(validity_s, customers)
    yield authority
    authority.stop()


def make_image(engine: DockerEngine) -> None:
    """The image of both programs, which need nothing else."""
    built = subprocess.run([ROOT / "toolchain" / "pebble.sh"], stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("pebble", "pebble-challtestsrv"):
            tar.add(Path(built.stdout.strip()) / name, name)
    engine.docker("import", "-", IMAGE, stdin=packed.getvalue())
