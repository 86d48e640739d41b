"""The storage node's backup with a restic that only plays: what it is asked for, and what is made of its answers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storage import backup, programs, restic
from storage.places import locked
from storage.repository import Known
from storage.restic import BackupError, Restic

CONFIG: dict[str, Any] = {
    "repository": "rest:https://me:word@backup.example.org/b",
    "password": "very secret",
    "environment": {"AWS_ACCESS_KEY_ID": "me"},
    "keep": {"daily": 7, "monthly": 6},
    "stack": "prod",
    "volume": "11111111-2222",
    "sftp": None,
}
OURS = ["homes", "stack=prod", "volume=11111111-2222"]
LOCATION = "rest:https://backup.example.org/b"
VOLUME_KIB = 500 * 1024**2
RESTIC = """#!/bin/sh
echo "$RESTIC_REPOSITORY $RESTIC_PASSWORD $AWS_ACCESS_KEY_ID $(hostname)" >>"{folder}/environment"
echo "$*" >>"{folder}/calls"
if [ -e "{folder}/locked" ] && [ "$1" != unlock ]; then rm "{folder}/locked"; echo "Fatal: already locked by X" >&2; exit 1; fi
case "$1" in
  cat) echo '{"id": "aaaa"}' ;;
  snapshots) cat "{folder}/snapshots" 2>/dev/null || echo null ;;
  unlock) [ ! -e "{folder}/for-ever" ] || { echo "Fatal: access denied" >&2; exit 1; } ;;
  backup) [ ! -e "{folder}/broken" ] || { echo "Fatal: disk full" >&2; exit 1; } ;;
esac
"""


def snapshot(name: str, taken: str | datetime, *tags: str, **more: Any) -> dict[str, Any]:
    """As restic tells of it."""
    moment = taken if isinstance(taken, str) else taken.isoformat()
    return {"id": f"{name}{name}", "short_id": name, "time": moment, "tags": list(tags), "paths": ["/srv/homes/users"], **more}


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a restic that keeps its calls in `calls` and their environments in `environment`; the homes are in it."""
    bodies = {"restic": RESTIC.replace("{folder}", str(tmp_path)), "unshare": '#!/bin/sh\nshift 4\nHOST=$1 && shift && exec "$@"'}
    for name, body in {**bodies, "hostname": '#!/bin/sh\necho "$HOST"'}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(body.replace("HOST=$1", "export HOST=$1"))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "backup.json").write_text(json.dumps(CONFIG))
    monkeypatch.setattr(backup, "Restic", lambda: Restic(tmp_path / "backup.json"))
    monkeypatch.setattr(backup, "RESULT", tmp_path / "result" / "backup.json")
    monkeypatch.setattr(backup, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_blocks=VOLUME_KIB // 4, f_frsize=4096))
    Known(tmp_path).keep(LOCATION, "aaaa")
    return tmp_path


def run(folder: Path) -> int:
    return backup.main([], folder)


def calls(folder: Path) -> list[str]:
    """What restic was asked for."""
    return (folder / "calls").read_text().splitlines()


def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(backup.RESULT.read_text())
    return found


def test_a_backup_takes_a_snapshot_of_this_stack_and_forgets_this_stacks_alone(played: Path) -> None:
    assert run(played) == 0
    marks = "stack=prod,volume=11111111-2222"
    folders = " ".join(f"{played}/{name}" for name in ("users", "shared", "hub"))
    looked = [call for call in calls(played) if not call.startswith("snapshots")]
    assert looked == [
        "cat config --no-lock",
        "unlock",
        f"backup --one-file-system --exclude-larger-than={VOLUME_KIB}K --tag=homes --tag={marks} --force {folders}",
        f"forget --tag=homes,{marks} --group-by= --prune --keep-daily=7 --keep-monthly=6",
        "check",
    ]


def test_the_whole_repository_is_looked_at_once_a_week(played: Path) -> None:
    for _ in range(2):
        assert run(played) == 0
    assert calls(played).count("check") == 1
    backup.RESULT.write_text(json.dumps({**result(), "checked": int(time.time()) - 7 * 24 * 3600}))
    assert run(played) == 0
    assert calls(played).count("check") == 2


def test_the_next_backup_goes_on_from_the_newest_snapshot_of_this_stack_alone(played: Path) -> None:
    others = snapshot("bbbb", "2026-01-03T03:00:00Z", "homes", "stack=test", "volume=3")
    known = [snapshot("aaaa", "2026-01-02T03:00:00Z", *OURS), others]
    (played / "snapshots").write_text(json.dumps(known))
    assert run(played) == 0
    assert any("--parent=aaaaaaaa " in call for call in calls(played))


def test_what_was_kept_before_a_restore_is_forgotten_after_30_days(played: Path) -> None:
    now = datetime.now(UTC)
    kept = ["before-restore", *OURS[1:]]
    old, new = snapshot("cccc", now - timedelta(days=31), *kept), snapshot("dddd", now - timedelta(days=29), *kept)
    theirs = snapshot("eeee", now - timedelta(days=31), "before-restore", "stack=test", "volume=3")
    (played / "snapshots").write_text(json.dumps([old, new, theirs]))
    assert run(played) == 0
    assert [call for call in calls(played) if call.startswith("forget ") and "--prune" not in call] == ["forget cccccccc"]


def test_while_a_restore_reads_nothing_is_removed(played: Path) -> None:
    with locked(played / "lock", shared=True):
        assert run(played) == 0
    assert not [call for call in calls(played) if call.startswith(("forget", "check"))]
    assert result()["warning"] == "a restore was running, so that old snapshots are forgotten with the next backup only"


def test_an_earlier_versions_configuration_goes_on_without_forgetting_anything(played: Path) -> None:
    earlier = {key: value for key, value in CONFIG.items() if key not in ("stack", "volume", "sftp")}
    (played / "backup.json").write_text(json.dumps(earlier))
    assert run(played) == 0
    assert [call.split()[0] for call in calls(played)] == ["backup"]
    assert "until `pulumi up` has configured this version" in result()["warning"]


def test_snapshots_that_nobody_forgets_are_told_of(played: Path) -> None:
    lost = snapshot("aaaa", "2026-01-02T03:00:00Z", "homes", "stack=prod", "volume=lost")
    others = snapshot("bbbb", "2026-01-03T03:00:00Z", "homes", "stack=test", "volume=3")
    (played / "snapshots").write_text(json.dumps([lost, others]))
    assert run(played) == 0
    said = result()["warning"]
    assert said.startswith("1 snapshots are kept for ever, since they are not of this volume (stack prod, volume lost)")


def test_where_nothing_may_be_deleted_there_is_a_snapshot_all_the_same(played: Path) -> None:
    (played / "for-ever").touch()
    assert run(played) == 0
    assert "backup" in [call.split()[0] for call in calls(played)]


def test_the_secrets_of_the_repository_are_in_the_environment_of_restic_and_in_no_argument(played: Path) -> None:
    run(played)
    environments = set((played / "environment").read_text().splitlines())
    assert environments == {f"{CONFIG['repository']} very secret me prod-11111111"}
    assert "very secret" not in (played / "calls").read_text()
    assert "word" not in (played / "repository.json").read_text()
    assert (played / "repository.json").stat().st_mode & 0o777 == 0o600


def test_how_a_backup_went_is_kept_for_the_status(played: Path) -> None:
    (played / "broken").touch()
    assert run(played) == 1
    assert result()["problem"] == "restic backup failed: Fatal: disk full"
    (played / "broken").unlink()
    assert run(played) == 0
    assert result()["problem"] == ""


def test_homes_that_are_not_mounted_are_not_backed_up_as_none(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: False)
    assert run(played) == 1
    assert "is not mounted: there is nothing to back up" in result()["problem"]
    assert not (played / "calls").exists()


def test_somebody_elses_lock_is_waited_for(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restic, "LOOK_S", 0.01)
    (played / "locked").touch()
    Restic(played / "backup.json").run("prune")
    assert calls(played) == ["prune", "unlock", "prune"]
    (played / "locked").touch()
    with pytest.raises(BackupError, match="restic prune failed: Fatal: already locked by X"):
        Restic(played / "backup.json", patience_s=0).run("prune")


def test_what_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        programs.heard(["sh", "-c", f"sleep 1000 & echo $! >{tmp_path}/pid; wait"], limit_s=0.5)
    child = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"  # ended, if not yet waited for


def test_a_repository_that_does_not_answer_is_told_with_its_place_and_without_its_password(played: Path) -> None:
    (played / "bin" / "restic").write_text("#!/bin/sh\nexec sleep 1000\n")
    with pytest.raises(BackupError, match=r"restic cat has not ended .* does rest:https://backup\.example\.org/b answer\?"):
        Restic(played / "backup.json").run("cat", "config", limit_s=0.3)


def test_over_ssh_only_the_key_and_the_host_key_of_the_settings_count(tmp_path: Path) -> None:
    sftp = {"user": "me", "host": "backup.example.org", "port": "2222", "key": "-----BEGIN\nKEY", "host_key": "ssh-ed25519 AAAA"}
    config = tmp_path / "backup.json"
    config.write_text(json.dumps({**CONFIG, "repository": "sftp:me@backup.example.org:/b", "sftp": sftp}))
    Restic(config)
    key, hosts = tmp_path / "backup.json.key", tmp_path / "backup.json.hosts"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("-----BEGIN\nKEY\n", 0o600)
    assert hosts.read_text() == "backup ssh-ed25519 AAAA\n"


@pytest.mark.parametrize(("repository", "locks"), [("/mnt/my backup", ['"-/mnt/my backup/locks"']), ("s3:https://x/b", [])])
def test_a_restore_can_write_to_nothing_but_its_target_the_cache_and_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: str, locks: list[str]
) -> None:
    ran: list[list[str]] = []

    def heard(command: list[str], *_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    config = tmp_path / "backup.json"
    config.write_text(json.dumps({**CONFIG, "repository": repository}))
    monkeypatch.setattr(restic, "heard", heard)
    monkeypatch.setattr(restic, "CACHE", tmp_path / "cache")
    restic.restore_inside(Restic(config), "bbbb", "/srv/homes/users/ada", Path("/srv/homes/restoring/tmp1"))
    (command,) = ran
    assert command[0] == "systemd-run"
    assert "--property=ProtectSystem=strict" in command
    writable = [part.split("=", 2)[2] for part in command if part.startswith("--property=ReadWritePaths=")]
    assert writable == ["/srv/homes/restoring/tmp1", str(tmp_path / "cache"), *locks]
    assert command[-5:] == ["jupyterhub-storage", "restic", "bbbb", "/srv/homes/users/ada", "/srv/homes/restoring/tmp1"]
