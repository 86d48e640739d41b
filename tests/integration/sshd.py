"""ssh servers of this test run alone: own keys, own ports, own configuration.

The target has a network of its own (a network namespace with nothing but its loopback), so that it can be reached only
through the bastion, whose sessions run in that network too. Needs root.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 10.0
# sshd wants /run/sshd, which an init system makes: each has a /run of its own, since other tests run beside it.
_OWN_RUN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"', "sh"]


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_key(folder: Path, name: str, passphrase: str = "") -> Path:
    """A new ed25519 key pair; the public half is beside it with the suffix .pub."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path], check=True)
    return path


class Server:
    """One sshd. `start` and `stop` may be called at any time."""

    def __init__(self, folder: Path, name: str, authorized: Sequence[Path], options: str = "", net: int = 0) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.host_key = new_key(self.folder, "host_key")
        self.log = self.folder / "log"
        self._net = net
        self._process: subprocess.Popen[bytes] | None = None
        self._keys = self.folder / "authorized_keys"
        for key in authorized:
            self.authorize(key)
        self.config = self.folder / "sshd_config"
        self.config.write_text(
            f"HostKey {self.host_key}\nAuthorizedKeysFile {self._keys}\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"LogLevel VERBOSE\nMaxStartups 100\nSubsystem sftp internal-sftp\n{options}\n"
        )

    def authorize(self, key: Path) -> None:
        """Lets one more key in."""
        with self._keys.open("a") as file:
            file.write(key.with_suffix(".pub").read_text())

    @property
    def public_host_key(self) -> str:
        """As `hostKey` takes it."""
        return self.host_key.with_suffix(".pub").read_text().strip()

    def argv(self, *arguments: str) -> list[str]:
        """sshd with this configuration, in its network when it has one of its own."""
        inside = ["nsenter", f"--net=/proc/{self._net}/ns/net"] if self._net else []
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "/usr/sbin/sshd"
        return [*inside, *_OWN_RUN, program, "-f", str(self.config), "-E", str(self.log), *arguments]

    def start(self) -> None:
        """Listens on the loopback of its network, before this returns."""
        listen = ["-o", "ListenAddress=127.0.0.1", "-o", f"Port={self.port}"]
        self._process = subprocess.Popen(self.argv("-D", *listen), stdin=subprocess.DEVNULL)
        waiting = threading.Event()
        for _ in range(int(_START_SECONDS * 20)):
            if self.log.exists() and "Server listening" in self.log.read_text():
                return
            assert self._process.poll() is None, self.log.read_text()
            waiting.wait(0.05)
        raise AssertionError(f"sshd does not listen after {_START_SECONDS} s:\n{self.log.read_text()}")

    def stop(self) -> None:
        """Ends it; sessions that are open end with their clients."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        if self.log.exists():
            self.log.rename(self.log.with_suffix(".old"))


class Bastion(Server):
    """Listens in this process's network; each session's sshd runs in the target's network."""

    def start(self) -> None:
        """Accepts connections from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._sessions: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the bastion and its sessions."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for session in self._sessions:
            if session.poll() is None:
                session.terminate()
            session.wait()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                pipe = connection.fileno()
                session = subprocess.Popen(self.argv("-i"), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
            self._sessions.append(session)


@contextmanager
def lonely_network() -> Iterator[int]:
    """A network with a loopback and nothing else; the value is a process in it."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"ready\n", "the tests need root and iproute2 for a network namespace"
        yield holder.pid
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
