"""Two machines with a cable between them, each with a host name and an engine of its own, that can be off and on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components import swarm_commands
from tests.integration.docker_engine import DockerEngine

MANAGER, WORKER, POOL = "10.202.0.1", "10.202.0.2", "10.201.0.0/16"
LIMIT = 180.0  # seconds
BEGIN = swarm_commands.begin(MANAGER, POOL)
SERVICE = ("service", "create", "--quiet", "--detach")
ROTATING = "docker info --format '{{.Swarm.Cluster.RootRotationInProgress}}'"
_CABLE = f"""
ip link add to-worker netns "$0" type veth peer name to-manager netns "$1"
nsenter --net=/proc/"$0"/ns/net sh -c "ip addr add {MANAGER}/24 dev to-worker; ip link set to-worker up"
nsenter --net=/proc/"$1"/ns/net sh -c "ip addr add {WORKER}/24 dev to-manager; ip link set to-manager up"
"""
# What the machine's own systemd would do is done by `shell`, which looks for the file.
_PROGRAMS = {"sudo": 'exec "$@"', "systemctl": 'touch "$0.wanted"; while test -e "$0.wanted"; do sleep 0.1; done'}


class Machine(DockerEngine):
    """`name` is its host name. It is off at first."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self.name, self._programs = name, folder / "bin"
        self._programs.mkdir()
        for program, body in _PROGRAMS.items():
            (self._programs / program).write_text(f"#!/bin/sh\n{body}\n")
            (self._programs / program).chmod(0o755)
        script = 'hostname "$0" && ip link set lo up && echo && exec sleep infinity'
        self.body = subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c", script, name], stdout=subprocess.PIPE)
        assert self.body.stdout is not None
        self.body.stdout.readline()

    def switch_on(self) -> None:
        """Returns when its Docker answers."""
        (self._folder / "pidfile").unlink(missing_ok=True)
        self.run(within=["nsenter", f"--target={self.body.pid}", "--net", "--uts"])

    def switch_off(self) -> None:
        """As a shutdown does: Docker is told to end, and has."""
        assert self._process is not None
        for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        self._process.wait(LIMIT)

    def scrap(self) -> None:
        """Ends it, and what it left."""
        self.stop()
        self.body.kill()
        self.body.wait()

    def shell(self, line: str, stdin: str = "") -> str:
        """What a line prints that runs on this machine, without the line's end. AssertionError has what it wrote on failing."""
        environment = {**os.environ, "DOCKER_HOST": self.host, "PATH": f"{self._programs}:{os.environ['PATH']}"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        running = subprocess.Popen(["bash", "-c", line], text=True, env=environment, **pipes)  # type: ignore[call-overload]
        restart_wanted, sent = self._programs / "systemctl.wanted", stdin or None
        while True:
            try:
                out, err = running.communicate(sent, timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                sent = None
            if restart_wanted.exists():
                self.switch_off()
                self.switch_on()
                restart_wanted.unlink()
        assert running.returncode == 0, f"{line[-60:]}: {out}{err}"
        return str(out).strip()

    def info(self, field: str) -> str:
        """A field of what its Docker knows of the swarm."""
        return self.docker("info", "--format", f"{{{{.Swarm.{field}}}}}")

    @property
    def certificate(self) -> x509.Certificate:
        """Its certificate in the swarm."""
        return x509.load_pem_x509_certificates(self._certificate_file.read_bytes())[0]

    def days_left(self) -> int:
        """Of its certificate."""
        return (self.certificate.not_valid_after_utc - datetime.now(UTC)).days

    def let_certificate_end(self, ca: Ca, days: int = 5) -> None:
        """Its certificate becomes one that has ended so many days ago. It is off."""
        old, ended = self.certificate, datetime.now(UTC) - timedelta(days=days)
        made = _certificate(old.subject, ca.certificate.subject, old.public_key(), ended - timedelta(days=90), ended)
        for extension in old.extensions:
            made = made.add_extension(extension.value, extension.critical)
        self._certificate_file.write_bytes(made.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    @property
    def _certificate_file(self) -> Path:
        return self._folder / "data-root" / "swarm" / "certificates" / "swarm-node.crt"


class Ca(NamedTuple):
    """A CA of which the tests have the key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Pair(NamedTuple):
    """A manager and a worker-to-be."""

    manager: Machine
    worker: Machine

    def make_swarm(self, *options: str) -> None:
        """As earlier versions made it: with Docker's own certificates, for 90 days."""
        self.manager.docker("swarm", "init", "--advertise-addr", MANAGER, "--default-addr-pool", POOL, *options)
        token = self.manager.shell(swarm_commands.worker_token())
        self.worker.docker("swarm", "join", "--advertise-addr", WORKER, "--token", token, f"{MANAGER}:2377")

    def request(self) -> str:
        """What `swarm_commands.join` reads."""
        return swarm_commands.join_request(MANAGER, WORKER, self.manager.shell(swarm_commands.worker_token()))

    def join(self, **changes: int) -> str:
        """The worker joins by the stack's own line; its id."""
        return self.worker.shell(swarm_commands.join(self.manager.info("Cluster.ID"), **changes), self.request())

    def take_ca(self) -> Ca:
        """The swarm's CA becomes one of which the tests have the key."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name.from_rfc4514_string("CN=swarm-ca")
        made = _certificate(name, name, key.public_key(), now - timedelta(days=900), now + timedelta(days=7000))
        usage = {"key_cert_sign": True, "crl_sign": True}
        other = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        uses = x509.KeyUsage(**usage, **dict.fromkeys((*other, "encipher_only", "decipher_only"), False))
        made = made.add_extension(x509.BasicConstraints(True, None), True).add_extension(uses, True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        ca = Ca(made.sign(key, hashes.SHA256()), key)
        files = {"ca-cert": ca.certificate.public_bytes(serialization.Encoding.PEM), "ca-key": _pem(key)}
        for option, content in files.items():
            (self.manager.socket.parent / option).write_bytes(content)
        options = [f"--{option}={self.manager.socket.parent / option}" for option in files]
        self.manager.docker("swarm", "ca", "--rotate", "--quiet", *options)
        return ca

    def shelve(self) -> None:
        """Both are switched off, the manager last."""
        self.worker.switch_off()
        self.manager.switch_off()

    def nodes(self) -> dict[str, tuple[str, str, str]]:
        """By id: host name, state, availability."""
        rows = self.manager.docker("node", "ls", "--format", "{{.ID}} {{.Hostname}} {{.Status}} {{.Availability}}").splitlines()
        return {row.split()[0]: (row.split()[1], row.split()[-2], row.split()[-1]) for row in rows}


def wait_until(what: str, is_true: Callable[[], bool], limit_s: float = LIMIT) -> None:
    """Raises AssertionError where it is not true within the limit."""
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, f"not within {limit_s:.0f} s: {what}"
        time.sleep(0.2)


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both on and connected, in no swarm."""
    machines = Pair(*(Machine(tmp_path_factory.mktemp(name), name) for name in ("manager-0", "worker-0")))
    try:
        subprocess.run(["sh", "-ec", _CABLE, *(str(machine.body.pid) for machine in machines)], check=True)
        for machine in machines:
            machine.switch_on()
            machine.load_images()
        yield machines
    finally:
        machines.worker.scrap()
        machines.manager.scrap()


def _certificate(subject: x509.Name, issuer: x509.Name, key: object, begins: datetime, ends: datetime) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).serial_number(x509.random_serial_number())
    return made.public_key(key).not_valid_before(begins).not_valid_after(ends)  # type: ignore[arg-type]


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
