"""`make restore IN_PLACE=yes` with the real restic: it asks, keeps a way back, and leaves alone what is newer or in use."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest

from storage import snapshots
from storage.repository import FILE
from tests.integration.backup_site import Site, own
from tests.integration.test_restore import content

pytest_plugins = ("tests.integration.xfs_disk", "tests.integration.backup_site")


def changed(site: Site) -> Path:
    """Ada's home after a day of work: a file that she changed, one that is gone, and one that an older one took the place of."""
    home = site.home("ada")
    (home / "work" / "notes.txt").write_text("a day of work")
    (home / "work" / "deep" / "b é.txt").unlink()
    (home / "precious").write_text("an older version")
    os.utime(home / "precious", (0, 0))
    own(home)
    return home


def kept_before(site: Site) -> list[snapshots.Snapshot]:
    return snapshots.ours(site.restic, snapshots.every(site.restic), snapshots.BEFORE)


def test_what_was_changed_since_stays_and_what_is_replaced_is_told_and_kept(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    home = changed(site)
    before = content(home)
    assert site.restore_in_place("ada") == 0
    told = capsys.readouterr().out
    assert "ada: 1 files and folders come back, 1 files are replaced (precious), 1 were changed since and stay" in told
    assert "1 came back, 1 were replaced, 1 are newer and stayed" in told
    assert content(home) == {**before, "work/deep/b é.txt": "deep", "precious": "the user's own"}
    (kept,) = kept_before(site)
    assert f"what was there is in the snapshot {kept['short_id']}, for 30 days" in told
    (home / "work" / "deep" / "b é.txt").unlink()
    assert site.restore_in_place("ada", "--newer", "--snapshot", kept["short_id"]) == 0
    assert content(home) == before


def test_when_asked_for_newer_files_are_replaced_too(site: Site) -> None:
    before = content(site.home("ada"))
    home = changed(site)
    assert site.restore_in_place("ada", "--newer") == 0
    assert content(home) == before


@pytest.mark.parametrize("answer", ["", "no\n", "y\n"])
def test_nothing_is_changed_unless_somebody_says_yes(
    site: Site, answer: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = changed(site)
    before = content(home)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert site.restore("ada", "--in-place", "--servers=[]") == 1
    assert "nothing was changed, since nobody said yes" in capsys.readouterr().err
    assert content(home) == before
    assert kept_before(site) == []


def test_who_says_yes_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    home = changed(site)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert site.restore("ada", "--in-place", "--servers=[]") == 0
    assert content(home)["precious"] == "the user's own"


def test_it_is_refused_while_the_server_runs_unless_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(changed(site))
    running = ("--in-place", "--sure", '--servers=["ada", "eve"]')
    assert [site.restore(name, *running) for name in ("ada", "all")] == [1, 1]
    said = capsys.readouterr().err
    assert "servers are running (ada), whose programs may write over what comes back; nothing was changed" in said
    assert "servers are running (ada, eve)" in said
    assert site.restore("ada", "--in-place", "--sure") == 1  # not asked of the swarm
    assert "use `make restore`" in capsys.readouterr().err
    assert content(site.home("ada")) == before
    assert site.restore("bob", *running) == 0
    assert site.restore("ada", *running, "--while-running") == 0
    assert content(site.home("ada")) != before


def test_nothing_is_replaced_where_what_is_there_cannot_be_kept(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = content(changed(site))
    refuse = tmp_path / "refuse" / "restic"
    refuse.parent.mkdir()
    refuse.write_text(
        f'#!/bin/sh\n[ "$1" != backup ] || {{ echo "Fatal: no space left" >&2; exit 1; }}\nexec {shutil.which("restic")} "$@"\n'
    )
    refuse.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refuse.parent}:{os.environ['PATH']}")
    assert site.restore_in_place("ada") == 1
    assert "what is there now could not be kept (restic backup failed: Fatal: no space left)" in capsys.readouterr().err
    assert content(site.home("ada")) == before


def test_a_restore_to_the_side_leaves_its_user_room_to_save(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    home = site.home("ada")
    (home / "large").write_bytes(os.urandom(40 * 1024**2))
    own(home)
    site.back_up()
    site.disk.xfs["used"] = {str(site.disk.project("ada")): 150 * 1024}  # of 200 MiB
    assert site.restore("all") == 1
    said = capsys.readouterr()
    assert "1 not restored:\nada: no room in the home: 40." in said.err
    assert "bob: restored from" in said.out
    assert not any(path.name.startswith("restored-") for path in home.iterdir())


def test_a_restore_from_another_repository_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    file = site.disk.places.root / FILE
    file.write_text(file.read_text().replace(': "', ': "0'))
    assert site.restore("ada") == 1
    assert "another repository is in the place of" in capsys.readouterr().err
