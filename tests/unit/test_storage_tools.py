"""The storage node's tools for people: users and status."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from services.hub.home_names import home_of
from services.hub.owners import Owner, Owners
from storage import status, users
from storage.backup_status import BackupStatus
from storage.limits import Usage
from storage.restic import BackupError, Restic

ADA = Owner(name="ada@example.org", email="ada@example.org", first_seen="2026-01-02")


def test_the_table_shows_each_home_with_its_owner_and_how_full_it_is() -> None:
    owners = {home_of(ADA.name): ADA, "gone": Owner(name="zoe", email="", first_seen="2026-02-03")}
    usages = {home_of(ADA.name): Usage(51200, 204800, 9, 25600), "nobodys": Usage(3, 0, 1, 0)}
    lines = users.table([users.HEAD, *users.rows(owners, usages)]).splitlines()
    assert [line.split() for line in lines] == [
        ["USER", "E-MAIL", "FOLDER", "FIRST", "SEEN", "USED", "LIMIT", "%"],
        ["-", "nobodys", "-", "3K", "no", "limit", "yet"],
        [ADA.name, ADA.email, home_of(ADA.name), "2026-01-02", "50.0M", "200.0M", "25"],
        ["zoe", "gone", "2026-02-03", "no", "folder"],
    ]
    assert (
        len({line.index(word) for line, word in zip(lines, ("FOLDER", "nobodys", home_of(ADA.name), "gone"), strict=True)}) == 1
    )


@pytest.mark.parametrize(
    ("kib", "text"), [(0, "0K"), (1023, "1023K"), (1536, "1.5M"), (10 * 1024**2, "10.0G"), (1024**3, "1.0T")]
)
def test_sizes_are_shown_as_people_read_them(kib: int, text: str) -> None:
    assert users.size(kib) == text


def test_without_a_backup_there_is_nothing_to_complain_about(tmp_path: Path) -> None:
    assert BackupStatus(status.systemctl, config=tmp_path / "none").look() == (True, "none configured")
    with pytest.raises(BackupError, match="no backup is configured"):
        Restic(tmp_path / "none")


def test_the_status_fails_when_one_thing_is_not_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(status, "LOOKS", {"nfs": lambda: (True, "active"), "quotas": lambda: (False, "never set")})
    assert status.main() == 1
    assert capsys.readouterr().out == "nfs                  active\nquotas               ! never set\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A homes volume with Ada's home."""
    for name in ("users", "new", "hub"):
        (tmp_path / name).mkdir()
    home = home_of(ADA.name)
    (tmp_path / "users" / home).mkdir()
    Owners(tmp_path / "hub").record(home, ADA.name, "mail@example.org", "2026-01-02")
    return tmp_path


def test_owners_that_are_damaged_end_the_table_with_a_sentence(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(users, "XfsQuota", lambda _: SimpleNamespace(report=dict))
    (root / "hub" / "owners.json").write_text("{")
    assert users.main(root) == 1
    assert capsys.readouterr().err.startswith(f"{root}/hub/owners.json is damaged")


def test_what_a_sign_in_service_tells_does_nothing_to_an_admins_terminal() -> None:
    odd = Owner(name="eve", email="\x1b[2J@example.org", first_seen="2026-01-02")
    assert users.rows({"eve": odd}, {})[0][1] == r"'\x1b[2J@example.org'"
