"""components/backup.py: what the setting `backup` may say."""

from __future__ import annotations

import pytest

from components.backup import BackupPlan

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
S3 = "s3:https://objects.example.org/b"


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("sftp:me@backup.example.org:/homes", ("me", "backup.example.org", "22")),
        ("sftp:me@backup:homes", ("me", "backup", "22")),
        ("sftp://me@backup.example.org:2222//homes", ("me", "backup.example.org", "2222")),
        ("sftp://me@[2001:db8::1]:2222//homes", ("me", "2001:db8::1", "2222")),
        ("sftp:me@[2001:db8::1]:/homes", ("me", "2001:db8::1", "22")),
    ],
)
def test_who_is_asked_over_ssh_is_read_from_each_form_that_restic_knows(repository: str, expected: tuple[str, ...]) -> None:
    sftp = BackupPlan.parse({"repository": repository, "hostKey": HOST_KEY}).sftp
    assert sftp is not None
    assert (sftp["user"], sftp["host"], sftp["port"]) == expected
    assert sftp["host_key"] == HOST_KEY


@pytest.mark.parametrize(
    "repository", [S3, "/mnt/backup disk", "local:/mnt/backup", "rest:https://me:secret@backup.example.org/"]
)
def test_others_need_no_host_key(repository: str) -> None:
    assert BackupPlan.parse({"repository": repository}).sftp is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"repository": "sftp:me@backup:/homes"}, "needs a hostKey, such as .* what `ssh-keyscan -t ed25519 backup` prints"),
        ({"repository": "sftp:me@backup:/homes", "hostKey": f"backup {HOST_KEY}"}, "needs a hostKey"),
        (
            {"repository": "sftp:backup:/homes", "hostKey": HOST_KEY},
            "needs sftp:user@host:/folder or sftp://user@host:port//folder",
        ),
        ({"repository": "sftp:me@-oProxyCommand=x:/homes", "hostKey": HOST_KEY}, "needs sftp:user@host"),
        ({"repository": S3, "hostKey": HOST_KEY}, "has a hostKey, which is for an sftp: repository alone"),
        ({"repository": "mnt/backup"}, "needs a repository that begins with s3:"),
        ({"repository": "https://objects.example.org/b"}, "needs a repository that begins with s3:"),
        ({"repository": S3, "key": "x"}, "has no entry key; it has repository, schedule, keep and hostKey"),
    ],
)
def test_what_could_not_work_is_refused_with_the_remedy(values: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        BackupPlan.parse(values)
