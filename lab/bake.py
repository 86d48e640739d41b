"""Put container images into the file tree of a guest: no guest then has to unpack hundreds of MB, slowly.

A throw-away dockerd with its data folder inside the tree loads what this machine's engine saves.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.process import LOGS, LabError, tail
from lab.scratch import unmount_below

START_LIMIT_S = 60
_SOCKET_PATH_LIMIT = 107  # sun_path of unix(7), without its final zero


@contextmanager
def throwaway_dockerd(data_root: Path, work: Path) -> Iterator[str]:
    """Run a dockerd that touches nothing of this machine's network; yields its address. `work` holds its sockets."""
    socket = work / "docker.sock"
    longest = work / "exec" / "containerd" / "containerd.sock.ttrpc"
    if len(str(longest)) > _SOCKET_PATH_LIMIT:
        raise LabError(
            f"the path {longest} is longer than the {_SOCKET_PATH_LIMIT} bytes that a socket may have; "
            "move the checkout to a folder with a shorter path"
        )
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "guest-dockerd.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            # In a network namespace of its own: with `--bridge none`, dockerd deletes the docker0 of the engine that runs here.
            ["unshare", "--net", "dockerd", "--data-root", str(data_root), "--exec-root", str(work / "exec"),
             "--pidfile", str(work / "dockerd.pid"), "--host", f"unix://{socket}",
             "--storage-driver", "overlay2", "--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false",
             "--containerd-namespace", "lab-bake", "--containerd-plugins-namespace", "lab-bake-plugins"],
            stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_it_answers(process, f"unix://{socket}", log)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        unmount_below(work)
        unmount_below(data_root)


def load_images(references: Sequence[str], address: str) -> None:
    """Copy images from this machine's engine to the one at `address`; raises LabError if one is not there afterwards."""
    with subprocess.Popen(["docker", "save", *references], stdout=subprocess.PIPE) as save:
        load = subprocess.run(
            ["docker", "--host", address, "load", "--quiet"], stdin=save.stdout, capture_output=True, text=True, check=False
        )
    if save.returncode != 0 or load.returncode != 0:
        reason = load.stderr.strip() or "docker save failed"
        raise LabError(f"copying {', '.join(references)} into the guest image failed: {reason}")
    for reference in references:
        found = subprocess.run(["docker", "--host", address, "image", "inspect", reference], capture_output=True, check=False)
        if found.returncode != 0:
            raise LabError(f"{reference} is not in the guest image after it was loaded; see {LOGS / 'guest-dockerd.log'}")


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if subprocess.run(["docker", "--host", address, "version"], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.3)
    raise LabError(f"the dockerd that fills the guest image did not start; the end of {log}:\n{tail(log)}")
