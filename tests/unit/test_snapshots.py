"""storage/snapshots.py: which snapshot is meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage import snapshots
from storage.restic import BackupError, Restic
from tests.unit.test_backup_tools import CONFIG, OURS, snapshot


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    """Of a stack that backs up."""
    (tmp_path / "backup.json").write_text(json.dumps(CONFIG))
    return Restic(tmp_path / "backup.json")


SUMMER = [
    snapshot("newer", "2026-10-25T02:10:00.123456789+01:00", *OURS),
    snapshot("older", "2026-10-25T02:50:00.1+02:00", *OURS, original="first"),
]


@pytest.mark.parametrize(("name", "found"), [("latest", "newer"), ("older", "older"), ("firs", "older"), ("newernew", "newer")])
def test_a_snapshot_is_the_latest_or_the_one_that_is_named_also_when_summer_ends(
    restic: Restic, name: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restic, "run", lambda *_, **__: json.dumps(SUMMER))
    assert snapshots.chosen(restic, snapshots.every(restic), name)["short_id"] == found


def test_an_unknown_snapshot_is_refused_with_those_that_there_are_and_whose_they_are(restic: Restic) -> None:
    known = [snapshot("aaaa", "2026-01-01T03:00:00Z", "homes"), snapshot("bbbb", "2026-01-02T03:00:00Z", *OURS)]
    with pytest.raises(
        BackupError, match=r"no snapshot 'x'; .* bbbb \(2026-01-02 03:00 UTC, stack prod, volume 11111111-2222\), a"
    ):
        snapshots.chosen(restic, known, "x")
    with pytest.raises(BackupError, match="there is no snapshot of this stack's homes; name one with SNAPSHOT"):
        snapshots.chosen(restic, known[:1], "latest")
