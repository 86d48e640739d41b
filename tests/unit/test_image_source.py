"""Images by reference or by folder: the name follows the content, and the build context is always the same bytes."""

from __future__ import annotations

import base64
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.image_source import ImageSource, content_hash
from tools.graph import ROOT


def unpacked(archive: str) -> dict[str, tuple[bytes, int]]:
    """The content and the mode of each file of a build context."""
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(archive)), mode="r:gz") as tar:
        return {entry.name: (file.read(), entry.mode) for entry in tar if (file := tar.extractfile(entry))}


def parsed(folder: Path) -> ImageSource:
    """The source that `./NAME` gives in the folder's parent."""
    return ImageSource.parse(f"./{folder.name}", root=folder.parent)


def add_a_file(folder: Path) -> None:
    (folder / "new").write_text("")


def change_a_byte(folder: Path) -> None:
    (folder / "bin" / "run").write_text("#!/bin/sh\nexit 1\n")


def change_a_mode(folder: Path) -> None:
    (folder / "bin" / "run").chmod(0o644)


def rename_a_file(folder: Path) -> None:
    (folder / "bin" / "run").rename(folder / "bin" / "start")


def move_a_file(folder: Path) -> None:
    (folder / "bin" / "run").rename(folder / "run")


def move_a_byte_from_one_file_to_the_next(folder: Path) -> None:
    (folder / "bin" / "run").write_text("#!/bin/sh\nexit 0")
    (folder / "bin" / "rund").write_text("\n")


def touch_everything(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


def leave_python_caches(folder: Path) -> None:
    (folder / "bin" / "__pycache__").mkdir()
    (folder / "bin" / "__pycache__" / "run.cpython-311.pyc").write_bytes(b"\0")
    (folder / "old.pyc").write_bytes(b"\0")


def check_out_with_another_umask(folder: Path) -> None:
    (folder / "Dockerfile").chmod(0o600)
    (folder / "bin" / "run").chmod(0o775)


def add_an_empty_folder(folder: Path) -> None:
    (folder / "empty").mkdir()


CHANGES = [add_a_file, change_a_byte, change_a_mode, rename_a_file, move_a_file, move_a_byte_from_one_file_to_the_next]
NO_CHANGES = [touch_everything, leave_python_caches, check_out_with_another_umask, add_an_empty_folder]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_folder_is_a_new_image(example_folder: Path, change: Callable[[Path], None]) -> None:
    before, archive = content_hash(example_folder), parsed(example_folder).archive()
    change(example_folder)
    assert content_hash(example_folder) != before
    assert parsed(example_folder).archive() != archive


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_does_not_reach_the_image_makes_no_new_one(example_folder: Path, change: Callable[[Path], None]) -> None:
    before, archive = content_hash(example_folder), parsed(example_folder).archive()
    change(example_folder)
    assert content_hash(example_folder) == before
    assert parsed(example_folder).archive() == archive


def test_a_folder_is_named_by_its_content(example_folder: Path) -> None:
    source = parsed(example_folder)
    assert source.context == example_folder.resolve()
    assert source.reference == f"127.0.0.1:5000/jupyterhub-swarm/example:{content_hash(example_folder)}"
    assert len(content_hash(example_folder)) == 12


def test_two_copies_of_a_folder_are_one_image(example_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "example"
    (copy / "bin").mkdir(parents=True)
    for name in ("bin/run", "Dockerfile"):
        (copy / name).write_bytes((example_folder / name).read_bytes())
        (copy / name).chmod((example_folder / name).stat().st_mode)
    assert parsed(copy).reference == parsed(example_folder).reference
    assert parsed(copy).archive() == parsed(example_folder).archive()


def test_the_archive_is_the_same_whenever_it_is_made(example_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = parsed(example_folder).archive()
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    assert parsed(example_folder).archive() == now


def test_the_archive_holds_every_file_with_its_bytes_and_mode(example_folder: Path) -> None:
    leave_python_caches(example_folder)
    assert unpacked(parsed(example_folder).archive()) == {
        "Dockerfile": (b"FROM scratch\nCOPY bin /bin\n", 0o644),
        "bin/run": (b"#!/bin/sh\nexit 0\n", 0o755),
    }


@given(st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e"]), st.binary(max_size=2000)))
def test_any_content_comes_out_of_the_archive_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("context")
    for name, content in {"Dockerfile": b"FROM scratch\n", **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert {name: content for name, (content, _) in unpacked(parsed(folder).archive()).items()} == {
        "Dockerfile": b"FROM scratch\n",
        **files,
    }


@pytest.mark.parametrize(
    "reference", ["example/hub:1.2", "quay.io/jupyter/minimal-notebook:2025-03-14", "host:5000/hub:1", f"hub@sha256:{'a' * 64}"]
)
def test_a_full_reference_is_taken_as_it_is(reference: str) -> None:
    assert ImageSource.parse(reference) == ImageSource(reference=reference, context=None)


@pytest.mark.parametrize("reference", ["", "hub", "example/hub", "host:5000/hub"])
def test_a_reference_without_tag_and_digest_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="has no tag; write a full reference such as"):
        ImageSource.parse(reference)


@pytest.mark.parametrize("value", ["./none", "./bin"])
def test_a_folder_without_a_dockerfile_is_refused(example_folder: Path, value: str) -> None:
    with pytest.raises(ValueError, match=f"names a folder to build, but {value}/Dockerfile does not exist"):
        ImageSource.parse(value, root=example_folder)


def test_an_image_that_is_pulled_has_no_build_context() -> None:
    with pytest.raises(ValueError, match="example/hub:1 is pulled, not built"):
        ImageSource.parse("example/hub:1").archive()


@pytest.mark.parametrize("name", ["hub", "userproxy", "proxy", "notebook"])
def test_the_images_of_the_project_are_small_contexts_that_one_command_over_ssh_can_carry(name: str) -> None:
    source = ImageSource.parse(f"./images/{name}", root=ROOT)
    assert "Dockerfile" in unpacked(source.archive())
    assert len(source.archive()) < 100_000
