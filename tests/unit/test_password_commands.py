"""The lines for generated passwords, run for real in a folder of the test."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from components import password_commands
from tests.unit.fake_host import FakeHost

MINE = "the password that the service has"


@pytest.fixture
def kept(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the manager keeps passwords in, which is not there yet."""
    folder = host.folder / "root's own" / "passwords"
    monkeypatch.setattr(password_commands, "FOLDER", str(folder))
    host.program("sudo", 'exec "$@"')
    host.program("docker", f'case "$1" in ps) [ -e running ] && echo id ;; exec) [ -e running ] && printf %s "{MINE}" ;; esac')
    return folder


def printed(host: FakeHost, line: str) -> str:
    """What a line prints that must end well."""
    done = host.run(line)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_password_is_made_once_and_then_told_again(host: FakeHost, kept: Path) -> None:
    line = password_commands.keep_password("admin-password", 32, "hub")
    first = printed(host, line)
    assert re.fullmatch(r"[a-km-z2-9]{32}", first)
    assert printed(host, line) == first
    assert (kept / "admin-password").read_text() == first
    assert printed(host, password_commands.keep_password("password", 20, "hub")) not in first


def test_a_password_is_roots_alone_and_in_no_argument(host: FakeHost, kept: Path) -> None:
    first = printed(host, password_commands.keep_password("password", 20, "hub"))
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / "password").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in kept.iterdir()] == ["password"]
    assert not any(first in call for call in host.calls())


def test_the_password_of_a_service_that_runs_is_taken_over(host: FakeHost, kept: Path) -> None:
    (host.folder / "running").touch()
    line = password_commands.keep_password("password", 20, "hub")
    assert printed(host, line) == MINE
    assert host.calls("docker exec") == ["docker exec id cat /run/secrets/password"]
    assert not any(MINE in call for call in host.calls())
    (host.folder / "running").unlink()
    assert printed(host, line) == (kept / "password").read_text() == MINE


def test_a_service_without_the_secret_gets_a_new_password(host: FakeHost, kept: Path) -> None:
    (host.folder / "running").touch()
    host.program("docker", 'case "$1" in ps) echo id ;; exec) echo no such file >&2; exit 1 ;; esac')
    assert re.fullmatch(r"[a-km-z2-9]{20}", printed(host, password_commands.keep_password("password", 20, "hub")))


def test_an_empty_file_asks_for_a_new_password_even_where_the_service_has_one(host: FakeHost, kept: Path) -> None:
    (host.folder / "running").touch()
    kept.mkdir(parents=True)
    (kept / "password").touch()
    assert re.fullmatch(r"[a-km-z2-9]{20}", printed(host, password_commands.keep_password("password", 20, "hub")))


def test_a_password_that_cannot_be_kept_is_a_failure_and_not_shown(host: FakeHost, kept: Path) -> None:
    kept.parent.mkdir()
    kept.touch()
    done = host.run(password_commands.keep_password("password", 20, "hub"))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_forgotten_password_is_followed_by_another(host: FakeHost, kept: Path) -> None:
    line = password_commands.keep_password("password", 20, "hub")
    first = printed(host, line)
    for _ in range(2):
        assert printed(host, password_commands.forget_password("password", "hub")) == ""
    assert list(kept.iterdir()) == []
    assert printed(host, line) != first


def test_a_password_that_the_service_still_has_is_not_forgotten(host: FakeHost, kept: Path) -> None:
    (host.folder / "running").touch()
    line = password_commands.keep_password("password", 20, "hub")
    assert printed(host, line) == MINE
    assert printed(host, password_commands.forget_password("password", "hub")) == ""
    assert (kept / "password").exists()


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_lines_are_correct_shell(shell: str) -> None:
    for line in (password_commands.keep_password("password", 20, "hub"), password_commands.forget_password("password", "hub")):
        checked = subprocess.run([shell, "-n", "-c", line], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
