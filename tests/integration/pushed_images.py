"""Images as clients push them into a registry: a plain one, and an index as `docker buildx --push` and Docker's containerd store
make it even for one platform, with an attestation beside the image."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass
from typing import Any

from tests.integration.registry_process import RegistryProcess

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_KINDS = "application/vnd.oci.image.{}.v1{}"


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """The digest of a manifest, its size in bytes, and the layer that only it has."""

    digest: str
    size: int
    layer: bytes


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_status(registry: RegistryProcess, reference: str, kind: str = MANIFEST) -> int:
    """What a client that asks for the manifest of team/lab gets, by tag or digest."""
    return registry.ask("GET", f"/v2/team/lab/manifests/{reference}", media_type=kind)[0]


def push_image(registry: RegistryProcess, tag: str = "", content: str = "") -> Pushed:
    """An image of one layer with a file `content`, under a tag, or by its digest alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in (("content", content.encode()), ("unique", os.urandom(4096))):
            file = tarfile.TarInfo(name)
            file.size = len(data)
            tar.addfile(file, io.BytesIO(data))
    layer = packed.getvalue()
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _blob(registry, _KINDS.format("config", "+json"), json.dumps(config).encode()),
        "layers": [_blob(registry, _KINDS.format("layer", ".tar"), layer)],
    }
    return _manifest(registry, manifest, tag, layer)


def push_index(registry: RegistryProcess, tag: str, content: str) -> tuple[Pushed, Pushed, Pushed]:
    """An index under a tag, of an image and its attestation, which have no tags of their own."""
    image, attestation = push_image(registry, content=content), push_image(registry, content="{}")
    unknown = {"architecture": "unknown", "os": "unknown"}
    attests = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest}
    entries = [
        {"mediaType": MANIFEST, "digest": image.digest, "size": image.size, "platform": {"architecture": "amd64", "os": "linux"}},
        {
            "mediaType": MANIFEST,
            "digest": attestation.digest,
            "size": attestation.size,
            "platform": unknown,
            "annotations": attests,
        },
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return _manifest(registry, index, tag, b""), image, attestation


def _blob(registry: RegistryProcess, kind: str, content: bytes) -> dict[str, Any]:
    status, said = registry.push(content)
    assert status == 201, said
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


def _manifest(registry: RegistryProcess, manifest: dict[str, Any], tag: str, layer: bytes) -> Pushed:
    text = json.dumps(manifest).encode()
    digest = digest_of(text)
    status, _, said = registry.ask("PUT", f"/v2/team/lab/manifests/{tag or digest}", text, str(manifest["mediaType"]))
    assert status == 201, said
    return Pushed(digest=digest, size=len(text), layer=layer)
