"""A large upload in flat memory, and a websocket that lives through a long silence."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from base64 import b64encode

from tests.e2e.deployment import Deployment
from tests.e2e.hub_client import HubUser
from tests.e2e.test_door.conftest import Silent, peak_memory

log = logging.getLogger("e2e")

MB, MIB = 1000**2, 1024**2
UPLOAD, PIECE = 400 * MB, 8 * MB  # bytes
MEMORY_GROWTH = 32 * MIB
SILENCE = 16 * 60  # seconds: past the 900 s after which IPVS would drop the connection
NAME = "upload.bin"
DIGEST = f"import hashlib\nhashlib.file_digest(open({NAME!r}, 'rb'), 'sha256').hexdigest()"


def upload(user: HubUser) -> str:
    """Send a file in pieces, as JupyterLab does with large ones; returns its SHA-256."""
    sent, pieces = hashlib.sha256(), UPLOAD // PIECE
    for number in range(1, pieces + 1):
        piece = random.Random(number).randbytes(PIECE)
        sent.update(piece)
        model = {
            "type": "file",
            "format": "base64",
            "name": NAME,
            "path": NAME,
            "content": b64encode(piece).decode(),
            "chunk": number if number < pieces else -1,
        }
        user.request("PUT", f"user/{user.name}/api/contents/{NAME}", 200, 201, json=model, timeout=300)
    return sent.hexdigest()


def test_an_upload_of_400_mb_arrives_whole_in_flat_memory(deployment: Deployment, silent: Silent) -> None:
    kernel = silent.user.open_kernel()
    before, began = peak_memory(deployment), time.monotonic()
    try:
        digest = upload(silent.user)
        took, growth = time.monotonic() - began, peak_memory(deployment) - before
        log.info("400 MB in %.0f s; the door's memory grew by %.1f MiB at most", took, growth / MIB)
        assert kernel.value(DIGEST, limit_s=600) == repr(digest)
        assert growth < MEMORY_GROWTH
    finally:
        kernel.run(f"import os\nos.remove({NAME!r})")
        kernel.close()


def test_a_websocket_lives_through_a_long_silence(silent: Silent) -> None:
    time.sleep(max(0.0, SILENCE - (time.monotonic() - silent.since)))
    assert silent.kernel.broken == "", f"the websocket closed: {silent.kernel.broken}"
    assert silent.kernel.value("6*7") == "42"
    log.info("silent for %.0f minutes", (time.monotonic() - silent.since) / 60)
