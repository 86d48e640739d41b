"""toolchain/install.sh in a copy of its own: its three ways, what it keeps, and what it says when something is missing.

The Go compiler and the vendor's site are small fakes here; that the real modules compile and run is what every other
test that uses the engine shows.
"""

import functools
import http.server
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import ENGINE, PATIENCE_S, VERSION, Checkout, wait_for

# In the order in which they are built.
PLUGINS = [f"pulumi-resource-{name}" for name in ("openstack", "docker", "command")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A vendor's site that serves one release; the address."""
    folder = tmp_path_factory.mktemp("site")
    release = folder / "pulumi"
    release.mkdir()
    for name in ("pulumi", "pulumi-language-python"):
        (release / name).write_text(ENGINE.format(version=VERSION))
        (release / name).chmod(0o755)
    archives = folder / "releases" / "sdk"
    archives.mkdir(parents=True)
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    with tarfile.open(archives / f"pulumi-v{VERSION}-linux-{machine}.tar.gz", "w:gz") as archive:
        archive.add(release, "pulumi")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_pulumi_on_path_that_is_new_enough_is_used(checkout: Checkout) -> None:
    checkout.fake_pulumi("3.999.0")
    checkout.fake_go()
    said = checkout.run()
    assert f"ready: Pulumi 3.999.0 (path: {checkout.fakes}/pulumi)" in said
    assert checkout.builds == PLUGINS


@pytest.mark.parametrize("version", ["3.100.0", "4.0.0", "unreadable"])
def test_a_pulumi_on_path_of_another_age_is_named_and_not_used(version: str, checkout: Checkout) -> None:
    checkout.fake_pulumi(version)
    checkout.fake_go()
    said = checkout.run()
    assert f"{checkout.fakes}/pulumi is version " in said
    assert f"ready: Pulumi {VERSION} (build: " in said


def test_a_pulumi_without_its_language_host_is_not_used(checkout: Checkout) -> None:
    checkout.fake("pulumi", ENGINE.format(version=VERSION))
    checkout.fake_go()
    assert "has no pulumi-language-python" in checkout.run()


def test_its_own_engine_is_not_taken_for_another_where_the_path_names_it_by_a_link(checkout: Checkout) -> None:
    checkout.fake_go()
    checkout.run()
    (checkout.folder / "link").symlink_to(checkout.build)
    assert f"ready: Pulumi {VERSION} (build: " in checkout.run(PATH=f"{checkout.folder}/link/bin:{checkout.env['PATH']}")
    assert subprocess.run([checkout.build / "bin" / "pulumi"], capture_output=True, check=False).returncode == 0


def test_where_the_vendor_answers_his_release_and_his_plugins_are_fetched_once(checkout: Checkout, site: str) -> None:
    checkout.fake("curl", '#!/bin/sh\necho curl >>"${0%/*}/asked"\nexec /usr/bin/curl "$@"\n')
    said = checkout.run(LAB_PULUMI_SITE=site)
    assert f"ready: Pulumi {VERSION} (download: " in said
    assert {checkout.plugin(name).read_text() for name in ("openstack", "docker", "command")} == {"vendor\n"}
    asked = (checkout.fakes / "asked").read_text()
    assert "fetching" not in checkout.run(LAB_PULUMI_SITE=site)
    assert (checkout.fakes / "asked").read_text() == asked


def test_the_vendors_plugins_take_the_place_of_the_built_ones_when_he_answers(checkout: Checkout, site: str) -> None:
    checkout.fake_go()
    checkout.run()
    assert checkout.plugin("docker").resolve().parent.parent == checkout.build / "built"
    checkout.run(LAB_PULUMI_SITE=site, LAB_TOOLCHAIN="download")
    assert {checkout.plugin(name).read_text() for name in ("openstack", "docker", "command")} == {"vendor\n"}


def test_plugins_of_a_given_folder_take_the_place_of_the_built_ones_while_it_is_given(checkout: Checkout) -> None:
    checkout.fake_go()
    given = checkout.folder / "brought"
    given.mkdir()
    (given / "pulumi-resource-docker").write_text("#!/bin/sh\n")
    (given / "pulumi-resource-docker").chmod(0o755)
    said = checkout.run(LAB_PLUGINS_DIR=str(given))
    assert f"docker plugin: {given}/pulumi-resource-docker (LAB_PLUGINS_DIR)" in said
    assert checkout.plugin("docker").resolve() == given / "pulumi-resource-docker"
    assert checkout.plugin("command").resolve().parent.parent == checkout.build / "built"
    assert "pulumi-resource-docker" not in checkout.builds
    checkout.run()
    assert checkout.plugin("docker").resolve().parent.parent == checkout.build / "built"
    assert "LAB_PLUGINS_DIR=/nowhere: no such folder" in checkout.fail(LAB_PLUGINS_DIR="/nowhere")


def test_what_is_built_is_kept_until_what_it_is_made_of_changes(checkout: Checkout) -> None:
    checkout.fake_go()
    checkout.run()
    everything = ["pulumi", "pulumi-language-python", *PLUGINS]
    assert checkout.builds == everything
    checkout.run()
    assert checkout.builds == everything
    types = checkout.folder / "toolchain" / "plugins" / "openstack" / "types.json"
    types.write_text(types.read_text() + "\n")
    checkout.run()
    assert checkout.builds[len(everything) :] == PLUGINS
    assert len(list((checkout.build / "built").iterdir())) == len(everything)


def test_the_env_file_finds_the_engine_and_its_home(checkout: Checkout) -> None:
    checkout.fake_go()
    checkout.run()
    script = f". {checkout.build}/env && command -v pulumi && pulumi version && echo $PULUMI_HOME"
    done = subprocess.run(["sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True)
    home = checkout.folder / ".build" / "pulumi-home"
    assert done.stdout.split() == [str(checkout.build / "bin" / "pulumi"), f"v{VERSION}", str(home)]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("slow", [False, True])
def test_an_interrupted_build_leaves_nothing_half_done_and_is_taken_up_again(how: int, slow: bool, checkout: Checkout) -> None:
    checkout.fake_go()
    if slow:  # as on a busy machine, where the compiler runs before the shell goes on
        checkout.slow_down("child=$!")
    process = checkout.start(FAKE_GO_SECONDS="60")
    compiler = wait_for(checkout.fakes / "pid")
    process.send_signal(how)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + how
    assert not Path(f"/proc/{compiler}").exists()
    assert not list(checkout.build.glob("work.*"))
    assert not (checkout.build / "bin" / "pulumi").exists()
    assert f"ready: Pulumi {VERSION}" in checkout.run()


def test_a_second_one_at_the_same_time_waits_and_builds_nothing_again(checkout: Checkout) -> None:
    checkout.fake_go()
    first = checkout.start(FAKE_GO_SECONDS="1")
    wait_for(checkout.fakes / "pid")
    assert "another make toolchain is at work in this checkout; waiting for it" in checkout.run()
    first.communicate(timeout=PATIENCE_S)
    assert len(checkout.builds) == len(set(checkout.builds))


def test_a_failed_build_shows_the_compilers_words_and_the_log(checkout: Checkout) -> None:
    checkout.fake_go()
    go = checkout.fakes / "go"
    go.write_text(go.read_text().replace("sleep ", "echo 'undefined: x' >&2; exit 1; sleep "))
    said = checkout.fail()
    assert "undefined: x" in said
    assert f"pulumi: compiling: failed; the lines above are the end of {checkout.build}/log" in said


def test_a_machine_without_go_is_told_what_is_needed(checkout: Checkout) -> None:
    said = checkout.fail()
    assert f"none on PATH, none in {checkout.folder}/no-go" in said
    assert "Install Go from https://go.dev/dl/" in said


def test_a_go_that_is_too_old_is_named_with_the_version_needed(checkout: Checkout) -> None:
    checkout.fake_go("1.19.8")
    said = checkout.fail()
    assert f"found: Go 1.19.8 at {checkout.fakes}/go" in said
    assert "no Go 1.25" in said


@pytest.mark.parametrize(
    ("way", "rule"),
    [
        ("guess", "LAB_TOOLCHAIN=guess: must be path, download or build"),
        ("path", "LAB_TOOLCHAIN=path, but there is no pulumi"),
        ("download", "could not be had from http://127.0.0.1:9"),
    ],
)
def test_a_forced_way_that_cannot_be_gone_says_why(way: str, rule: str, checkout: Checkout) -> None:
    assert rule in checkout.fail(LAB_TOOLCHAIN=way)


def test_a_missing_pin_is_named(checkout: Checkout) -> None:
    (checkout.folder / "requirements.txt").write_text("pulumi==3.0.0\n")
    assert "requirements.txt: no line 'pulumi-openstack==X.Y.Z'" in checkout.fail()
