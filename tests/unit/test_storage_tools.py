"""The storage node's tools for people: users, status, backup and restore, with programs that only play."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.hub.home_names import home_of
from services.hub.owners import Owner, Owners
from storage import backup, restic, restore, status, users
from storage.backup_status import BackupStatus
from storage.limits import Usage
from storage.restic import BackupError, Restic

CONFIG = {
    "repository": "s3:https://objects.example.org/b",
    "password": "very secret",
    "environment": {"AWS_ACCESS_KEY_ID": "me"},
    "keep": {"daily": 7, "monthly": 6},
}
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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configured backup."""
    path = tmp_path / "backup.json"
    path.write_text(json.dumps(CONFIG))
    return path


RESTIC = """#!/bin/sh
echo "$RESTIC_REPOSITORY $RESTIC_PASSWORD $AWS_ACCESS_KEY_ID" >>"{folder}/environment"
echo "$*" >>"{folder}/calls"
case "$1" in
  cat) [ -e "{folder}/repository" ] || { echo "no repository" >&2; exit 1; } ;;
  init) [ ! -e "{folder}/repository" ] && [ ! -e "{folder}/refused" ] && touch "{folder}/repository" ;;
  unlock) [ ! -e "{folder}/for-ever" ] || { echo "Fatal: access denied" >&2; exit 1; } ;;
  backup) [ ! -e "{folder}/broken" ] || { echo "Fatal: disk full" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def played(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a restic that keeps its calls in `calls` and the environment of each in `environment`."""
    program = tmp_path / "bin" / "restic"
    program.parent.mkdir()
    program.write_text(RESTIC.replace("{folder}", str(tmp_path)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(restic, "CONFIG", config)
    monkeypatch.setattr(backup, "Restic", lambda: Restic(config))
    monkeypatch.setattr(backup, "RESULT", tmp_path / "result" / "backup.json")
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_blocks=VOLUME_KIB // 4, f_frsize=4096))
    return tmp_path


VOLUME_KIB = 500 * 1024**2


def calls(folder: Path) -> list[str]:
    """What restic was asked for."""
    return (folder / "calls").read_text().splitlines()


def test_the_first_backup_makes_the_repository_and_forgets_what_need_not_be_kept(played: Path) -> None:
    assert backup.main([]) == 0
    assert calls(played) == [
        "cat config --no-lock",
        "init",
        "unlock",
        f"backup --one-file-system --exclude-larger-than={VOLUME_KIB}K --tag=homes "
        "/srv/homes/users /srv/homes/shared /srv/homes/hub",
        "forget --tag=homes --prune --keep-daily=7 --keep-monthly=6",
    ]
    assert backup.main([]) == 0
    assert calls(played).count("init") == 1


def test_where_nothing_may_be_deleted_there_is_a_snapshot_all_the_same(played: Path) -> None:
    (played / "for-ever").touch()
    assert backup.main([]) == 0
    assert [call.split()[0] for call in calls(played)][-3:] == ["unlock", "backup", "forget"]


def test_the_secrets_of_the_repository_are_in_the_environment_of_restic_and_in_no_argument(played: Path) -> None:
    backup.main([])
    environments = set((played / "environment").read_text().splitlines())
    assert environments == {"s3:https://objects.example.org/b very secret me"}
    assert "very secret" not in (played / "calls").read_text()


def test_a_repository_that_cannot_be_read_is_told_with_restics_own_reason(
    played: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (played / "refused").touch()
    assert backup.main([]) == 1
    assert capsys.readouterr().err == "restic cat failed: no repository\n"
    assert calls(played) == ["cat config --no-lock", "init"]


def test_how_a_backup_went_is_kept_for_the_status(played: Path) -> None:
    (played / "broken").touch()
    assert backup.main([]) == 1
    assert json.loads(backup.RESULT.read_text())["problem"] == "restic backup failed: Fatal: disk full"
    (played / "broken").unlink()
    assert backup.main([]) == 0
    assert json.loads(backup.RESULT.read_text())["problem"] == ""


def test_without_a_backup_there_is_nothing_to_complain_about(tmp_path: Path) -> None:
    assert BackupStatus(status.systemctl, config=tmp_path / "none").look() == (True, "none configured")
    with pytest.raises(BackupError, match="no backup is configured"):
        Restic(tmp_path / "none")


def test_the_status_fails_when_one_thing_is_not_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(status, "LOOKS", {"nfs": lambda: (True, "active"), "quotas": lambda: (False, "never set")})
    assert status.main() == 1
    assert capsys.readouterr().out == "nfs                  active\nquotas               ! never set\n"


SNAPSHOTS: list[dict[str, Any]] = [
    {"id": "bbbb2222", "short_id": "bbbb", "time": "2026-01-02T03:00:00.1Z"},
    {"id": "aaaa1111", "short_id": "aaaa", "time": "2026-01-01T03:00:00.1Z"},
]


@pytest.mark.parametrize(("name", "chosen"), [("latest", "bbbb"), ("aaaa", "aaaa"), ("aaaa1111", "aaaa"), ("bb", "bbbb")])
def test_a_snapshot_is_the_latest_or_the_one_that_is_named(name: str, chosen: str) -> None:
    assert restore.chosen(SNAPSHOTS, name)["short_id"] == chosen


def test_an_unknown_snapshot_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BackupError, match=r"no snapshot 'x'; the newest are: aaaa \(2026-01-01T03:00\), bbbb \(2026"):
        restore.chosen(SNAPSHOTS, "x")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A homes volume with Ada's home."""
    for name in ("users", "new", "hub"):
        (tmp_path / name).mkdir()
    home = home_of(ADA.name)
    (tmp_path / "users" / home).mkdir()
    Owners(tmp_path / "hub").record(home, ADA.name, "mail@example.org", "2026-01-02")
    return tmp_path


def test_homes_are_named_by_user_address_folder_or_all(root: Path) -> None:
    homes = [home_of(ADA.name), "bob"]
    for name in (ADA.name, "mail@example.org", "Mail@Example.org", home_of(ADA.name)):
        assert restore.wanted_homes(name, root, homes) == [home_of(ADA.name)]
    assert restore.wanted_homes("bob", root, homes) == restore.wanted_homes("Bob", root, homes) == ["bob"]
    assert restore.wanted_homes("all", root, homes) == homes
    with pytest.raises(BackupError, match="no single home for 'eve': the name is not in it; it holds"):
        restore.wanted_homes("eve", root, homes)


def test_a_home_is_found_by_its_name_though_the_owners_are_damaged_and_else_they_are_named(root: Path) -> None:
    (root / "hub" / "owners.json").write_text("{")
    assert restore.wanted_homes("bob", root, ["bob"]) == ["bob"]
    with pytest.raises(BackupError, match=r"owners\.json is damaged .* restore it from a backup"):
        restore.wanted_homes("bob@example.org", root, ["bob"])


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


def test_a_restore_can_write_to_nothing_but_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", run)
    restic.restore_inside("bbbb", "/srv/homes/users/ada", Path("/srv/homes/users/ada/restored-bbbb"))
    (command,) = ran
    assert command[0] == "systemd-run"
    assert {"--property=ProtectSystem=strict", "--property=ReadWritePaths=/srv/homes/users/ada/restored-bbbb"}.issubset(command)
    assert command[-5:] == ["jupyterhub-storage", "restic", "bbbb", "/srv/homes/users/ada", "/srv/homes/users/ada/restored-bbbb"]
