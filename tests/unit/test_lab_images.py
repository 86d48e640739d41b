"""Base images, builds and the guest image: what can be said about them without building one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.image_source import ImageSource
from lab import apt, guest, images, process, scratch
from lab.process import LabError

TARGETS = """http://mirror.example/debian bookworm main
http://mirror.example/debian bookworm-updates main
http://mirror.example/debian-security bookworm-security main
http://other.example/tools stable main
"""


def test_mirrors_are_those_of_the_machine_not_of_a_third_party() -> None:
    found = apt.parse_targets("http://other.example/tools stable main\n" + TARGETS)
    assert found == apt.Mirrors(main="http://mirror.example/debian", security="http://mirror.example/debian-security")


def test_a_machine_without_a_security_archive_gets_no_line_for_it() -> None:
    without = "\n".join(line for line in TARGETS.splitlines() if "security" not in line)
    lines = apt.parse_targets(without).sources("trixie").splitlines()
    assert [line.split()[2:] for line in lines] == [
        ["http://mirror.example/debian", "trixie", "main"],
        ["http://mirror.example/debian", "trixie-updates", "main"],
    ]


def test_sources_name_the_keyring_and_the_wanted_release() -> None:
    lines = apt.parse_targets(TARGETS).sources("trixie").splitlines()
    assert len(lines) == 3 and all(f"[signed-by={apt.KEYRING}]" in line for line in lines)
    assert lines[2].endswith("http://mirror.example/debian-security trixie-security main")


def test_only_settings_that_reach_the_mirror_are_kept() -> None:
    dump = "\n".join([
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::http::Proxy::internal.example "DIRECT";',
        'Acquire::Check-Valid-Until "false";',
        'Acquire::Languages "none";',
        'APT::Architecture "amd64";',
    ])  # fmt: skip
    assert apt.kept_settings(dump) == dump.splitlines()[:3]


def test_extra_ca_joins_the_machines_own_certificates(tmp_path: Path) -> None:
    assert apt.extra_ca(tmp_path) == ""
    (tmp_path / "b.crt").write_text("-----B-----\n\n")
    (tmp_path / "a.crt").write_text("-----A-----")
    (tmp_path / "c.pem").write_text("-----C-----")
    assert apt.extra_ca(tmp_path) == "-----A-----\n-----B-----\n"


def test_a_missing_program_is_installed_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[list[str]] = []
    monkeypatch.setattr(apt, "install", lambda packages: wanted.append(list(packages)))
    apt.ensure_programs({"sh": "dash", "no-such-program": "its-package", "no-such-one": "its-package"})
    assert wanted == [["its-package"]]


def test_installing_without_root_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root can install them: mmdebstrap qemu-utils"):
        apt.install(["mmdebstrap", "qemu-utils"])


def test_base_releases_are_read_from_every_stage() -> None:
    text = "FROM debian:trixie-slim AS build\nRUN true\nFROM debian:bookworm-slim\nFROM debian:trixie-slim\nFROM build\n"
    assert images.base_releases(text) == ["bookworm", "trixie"]


def test_a_reference_cannot_be_built() -> None:
    with pytest.raises(LabError, match="nothing to build"):
        images.build(ImageSource(reference="quay.example/hub:1", context=None), "")


@pytest.mark.parametrize("name", ["hub", "userproxy", "proxy", "notebook"])
def test_image_folders_use_only_the_base_that_the_lab_can_make(name: str) -> None:
    source = ImageSource.parse(f"./images/{name}")
    assert source.context is not None
    dockerfile = (source.context / "Dockerfile").read_text()
    assert images.base_releases(dockerfile) == ["trixie"]
    assert {line.split()[1] for line in dockerfile.splitlines() if line.startswith("FROM ")} == {"debian:trixie-slim"}


def test_a_build_stage_gets_a_name_so_that_it_can_be_removed_later() -> None:
    staged = "FROM debian:trixie-slim AS build\nRUN true\nFROM debian:trixie-slim\n"
    assert images.build_targets("a/hub:1", staged) == [(["--target", "build"], "a/hub-build:1"), ([], "a/hub:1")]
    assert images.build_targets("a/proxy:2", "FROM debian:trixie-slim\n") == [([], "a/proxy:2")]


def test_the_hub_and_the_notebook_have_the_same_jupyterhub() -> None:
    pins = [
        next(line for line in (process.BUILD.parents[1] / "images" / name / "requirements.txt").read_text().splitlines()
             if line.startswith("jupyterhub=="))
        for name in ("hub", "notebook")
    ]  # fmt: skip
    assert pins[0] == pins[1]


@pytest.mark.parametrize("name", ["hub", "notebook"])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = (process.BUILD.parents[1] / "images" / name / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in lines if line and not line.startswith("#"))


def test_guest_packages_are_names_without_comments() -> None:
    names = guest.packages()
    assert {"linux-image-cloud-amd64", "cloud-init", "docker.io", "apparmor", "xfsprogs"} <= set(names)
    assert all(name == name.strip() and " " not in name and "#" not in name for name in names)


def test_the_guests_hash_follows_each_of_its_inputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guest, "machine_mirrors", lambda: apt.parse_targets(TARGETS))
    monkeypatch.setattr(guest, "machine_settings", list)
    first = guest.guest_hash(["hub:1", "proxy:1"], "")
    assert first == guest.guest_hash(["proxy:1", "hub:1"], "")
    others = {guest.guest_hash(["hub:2", "proxy:1"], ""), guest.guest_hash(["hub:1", "proxy:1"], "ca")}
    monkeypatch.setattr(guest, "SOURCE", tmp_path)
    (tmp_path / "packages.txt").write_text("one\n")
    others.add(guest.guest_hash(["hub:1", "proxy:1"], ""))
    (tmp_path / "packages.txt").write_text("two\n")
    others.add(guest.guest_hash(["hub:1", "proxy:1"], ""))
    assert len(others | {first}) == 5


def test_a_guest_counts_as_built_only_with_all_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guest, "GUEST", tmp_path)
    assert guest.built_hash() == ""
    (tmp_path / "built.json").write_text('{"hash": "abc"}')
    for name in guest.OUTPUTS:
        assert guest.built_hash() == ""
        (tmp_path / name).touch()
    assert guest.built_hash() == "abc"
    (tmp_path / "built.json").write_text('{"hash": ')
    assert guest.built_hash() == ""


def test_run_logged_shows_the_end_of_a_failed_programs_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "LOGS", tmp_path)
    with pytest.raises(LabError, match=r"a test failed with status 3.*(?s:.)*line 29") as raised:
        process.run_logged("a test", ["sh", "-c", "seq -f 'line %g' 0 29; exit 3"], "test")
    assert "line 5\n" not in str(raised.value)


def test_run_logged_names_a_missing_program_and_a_late_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "LOGS", tmp_path)
    with pytest.raises(LabError, match="'no-such-program'"):
        process.run_logged("a test", ["no-such-program"], "test")
    with pytest.raises(LabError, match=r"not done after 0 s"):
        process.run_logged("a test", ["sleep", "5"], "test", timeout_s=0.2)


def test_a_scratch_folder_is_empty_at_first_and_gone_at_last(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "left over").touch()
    with pytest.raises(ZeroDivisionError), scratch.scratch_folder(folder) as work:
        assert list(work.iterdir()) == []
        (work / "file").touch()
        raise ZeroDivisionError
    assert not folder.exists()


def test_only_the_labs_own_programs_below_the_folder_are_ended(tmp_path: Path) -> None:
    own = tmp_path / "work" / "input"
    own.parent.mkdir()
    own.touch()
    # `tar` reading a pipe that never ends; and a program of the user that looks at the same file.
    tar = subprocess.Popen(["tar", "-cf", "/dev/null", str(own), "-T", "-"], stdin=subprocess.PIPE)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(own)])
    try:
        while Path(f"/proc/{tar.pid}/comm").read_text() != "tar\n":  # until then it is a copy of this program
            time.sleep(0.01)
        assert scratch.end_programs(tmp_path / "work") == [tar.pid]
        assert tar.wait(timeout=10) != 0
        assert other.poll() is None
    finally:
        for process_ in (tar, other):
            process_.kill()
            process_.wait()
