"""`jupyterhub-storage backup configure`: what `up` runs on the storage node. What cannot work changes nothing there."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from storage import backup, restic
from storage.repository import FILE

RESTIC = """#!/bin/sh
echo "$*" >>"{folder}/calls"
case "$*" in
  *"cat config"*) cat "{folder}/repository" 2>/dev/null || { echo "Fatal: unable to open config file" >&2; exit 1; } ;;
  *init*)
    [ ! -e "{folder}/refused" ] || { echo "Fatal: access denied" >&2; exit 1; }
    echo '{"id": "aaaa"}' >"{folder}/repository"
    ;;
  *snapshots*) echo '[]' ;;
esac
"""
SFTP = {"user": "me", "host": "backup.example.org", "port": "22", "key": "KEY", "host_key": "ssh-ed25519 AAAA"}


class Node:
    """A storage node without a backup; `etc` is where its configuration goes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.etc, self.timer = folder, folder / "etc", folder / "timer.d" / "schedule.conf"
        self.root = folder / "homes"
        self.root.mkdir()

    def configure(self, monkeypatch: pytest.MonkeyPatch, **values: Any) -> int:
        config = {"repository": "s3:https://x/b", "password": "p", "environment": {}, "keep": {"daily": 7}, "sftp": None}
        text = json.dumps({**config, "stack": "prod", "volume": "1111", **values})
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return backup.main(["configure", "daily"], self.root)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.etc.iterdir())

    def calls(self) -> str:
        return (self.folder / "calls").read_text()


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """The node, with programs that only play."""
    bodies = {"restic": RESTIC.replace("{folder}", str(tmp_path)), "unshare": '#!/bin/sh\nshift 5\nexec "$@"'}
    for name, body in {
        **bodies,
        "systemctl": f'#!/bin/sh\necho "$*" >>{tmp_path}/systemctl',
        "systemd-analyze": "#!/bin/sh",
    }.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    made = Node(tmp_path)
    for module in (backup, restic):
        monkeypatch.setattr(module, "CONFIG", made.etc / "backup.json")
    monkeypatch.setattr(backup, "Restic", lambda config=made.etc / "backup.json", **more: restic.Restic(config, **more))
    monkeypatch.setattr(backup, "TIMER", made.timer)
    monkeypatch.setattr(backup, "RESULT", tmp_path / "result" / "backup.json")
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    return made


def test_the_first_time_makes_the_repository_and_the_second_changes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.configure(monkeypatch) == 0
    assert node.files() == ["backup.json"]
    assert (node.etc / "backup.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((node.root / FILE).read_text()) == {"s3:https://x/b": "aaaa"}
    assert "OnCalendar=daily" in node.timer.read_text()
    (node.folder / "calls").unlink()
    assert node.configure(monkeypatch) == 0
    assert node.calls() == "cat config --no-lock\n"


def test_what_cannot_be_reached_leaves_the_backup_that_there_is(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.configure(monkeypatch) == 0
    before = (node.etc / "backup.json").read_text()
    (node.folder / "repository").unlink()
    (node.folder / "refused").touch()
    assert node.configure(monkeypatch, repository="s3:https://x/other", sftp=SFTP) == 1
    assert (node.etc / "backup.json").read_text() == before
    assert node.files() == ["backup.json"]  # nor is a key left
    assert list(json.loads((node.root / FILE).read_text())) == ["s3:https://x/b"]


def test_a_repository_that_is_gone_later_is_made_by_accept_alone(
    node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert node.configure(monkeypatch) == 0
    (node.folder / "repository").unlink()
    assert node.configure(monkeypatch) == 1
    assert "Nothing was made anew." in capsys.readouterr().err
    assert not (node.folder / "repository").exists()
    assert backup.main(["accept"], node.root) == 0
    assert capsys.readouterr().out == "made the repository s3:https://x/b\n"


def test_what_an_earlier_version_backed_up_into_is_not_made_anew_at_the_upgrade(
    node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    node.etc.mkdir()
    earlier = {"repository": "s3:https://x/b", "password": "p", "environment": {}, "keep": {"daily": 7}}
    (node.etc / "backup.json").write_text(json.dumps(earlier))
    backup.RESULT.parent.mkdir()
    backup.RESULT.write_text(json.dumps({"time": 1, "problem": ""}))
    assert node.configure(monkeypatch) == 1
    assert "cannot be read any more" in capsys.readouterr().err
    assert node.configure(monkeypatch, repository="s3:https://x/new") == 0


def test_an_unknown_word_is_refused(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup.main(["acept"], node.root) == 1
    assert "usage: jupyterhub-storage backup [configure SCHEDULE | accept | adopt SNAPSHOT]" in capsys.readouterr().err
