"""What a node is sent to build an image from, and that it can be built from that."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

from components import commands
from components.image_source import ImageSource
from components.images import build_input
from tests.unit.fake_host import FakeHost
from tests.unit.graphs import Graph

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def example(folder: Path) -> ImageSource:
    """The image of the example folder."""
    return ImageSource.parse(f"./{folder.name}", root=folder.parent)


def test_without_a_certificate_the_first_line_is_a_dash(example_folder: Path) -> None:
    first, archive = build_input(example(example_folder), "").splitlines()
    assert first == "-"
    assert archive == example(example_folder).archive()


def test_a_certificate_is_the_first_line_in_base64(example_folder: Path) -> None:
    first, _ = build_input(example(example_folder), CERTIFICATE).splitlines()
    assert base64.b64decode(first).decode() == CERTIFICATE


def test_what_is_sent_arrives_at_docker_as_the_build_context(example_folder: Path, host: FakeHost) -> None:
    source = example(example_folder)
    done = host.run(commands.build_image(source.reference), stdin=build_input(source, CERTIFICATE))
    assert done.returncode == 0
    with tarfile.open(fileobj=io.BytesIO((host.folder / "context").read_bytes()), mode="r:gz") as tar:
        assert tar.getnames() == ["Dockerfile", "bin/run"]
    assert host.calls("docker build") == [
        f"docker build --network host --tag {source.reference} --build-arg EXTRA_CA={CERTIFICATE.strip()} -"
    ]


def test_the_progress_of_a_build_is_shown_and_its_input_is_not_logged(graph: Graph) -> None:
    present = graph["hub-image-present"].inputs
    assert present["logging"] == "stderr"
    assert present["stdin"].startswith("-\n")
