"""The swarm's own registry behind its NGINX: without room, who pushes reads why and what to do, and who pulls notices nothing;
and no node is too slow."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.registry_process import MIB, RegistryProcess

SILENCE_S = 65.0  # longer than what NGINX waits if nobody tells it otherwise


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    """With room for 160 MiB."""
    made = RegistryProcess(tmp_path, 160)
    try:
        yield made
    finally:
        made.stop()


def test_a_push_without_room_is_refused_with_words_and_goes_through_when_there_is_room_again(registry: RegistryProcess) -> None:
    layer = os.urandom(50 * MIB)
    assert registry.push(layer)[0] == 201
    assert registry.push(os.urandom(50 * MIB))[0] == 201
    filler = registry.images / "filler"  # whatever the last moments looked like
    filler.write_bytes(bytes(MIB))
    end = time.monotonic() + 30
    while (answer := registry.push(b"small"))[0] == 201 and time.monotonic() < end:
        time.sleep(0.1)
    assert answer[0] == 403  # which Docker shows, and does not try again
    (error,) = json.loads(answer[1])["errors"]
    assert error["code"] == "DENIED"
    assert error["message"].startswith("this registry is full")
    assert "raise stateSize and run pulumi up" in error["message"]
    assert registry.pull(layer) == layer
    subprocess.run(["mount", "-o", "remount,size=400m", str(registry.images)], check=True)
    while (answer := registry.push(b"small"))[0] == 403 and time.monotonic() < end:
        time.sleep(0.1)
    assert answer[0] == 201


def test_a_push_and_a_pull_go_on_where_a_node_has_stood_still(registry: RegistryProcess) -> None:
    large, layer = os.urandom(64 * MIB), os.urandom(2 * MIB)  # the first is more than all buffers on the way hold
    assert registry.push(large)[0] == 201
    upload = registry.begin("PATCH", registry.ask("POST", "/v2/team/lab/blobs/uploads/")[1], len(layer))
    upload.send(layer[:MIB])
    download = registry.begin("GET", f"/v2/team/lab/blobs/sha256:{hashlib.sha256(large).hexdigest()}").getresponse()
    time.sleep(SILENCE_S)
    upload.send(layer[MIB:])
    answer = upload.getresponse()
    assert answer.status == 202
    digest = hashlib.sha256(layer).hexdigest()
    assert registry.ask("PUT", f"{answer.headers['Location']}&digest=sha256:{digest}")[0] == 201
    assert registry.pull(layer) == layer
    assert download.read() == large
