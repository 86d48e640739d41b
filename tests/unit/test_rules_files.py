"""The rules for settings that name files: key pairs, made by the real ssh-keygen, and certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from components import rules

PASSPHRASE, NO_PASSPHRASE = ("-N", "correct horse"), ("-N", "")
FORMATS = [("-t", "ed25519"), ("-t", "ecdsa", "-m", "PEM"), ("-t", "ecdsa", "-m", "PKCS8")]


def key_pair(folder: Path, *options: str) -> Path:
    """A fresh key pair by ssh-keygen; its private half."""
    subprocess.run(["ssh-keygen", "-q", "-f", folder / "key", *options], check=True)
    return folder / "key"


@pytest.mark.parametrize("form", FORMATS)
def test_a_private_key_without_passphrase_is_taken_by_its_absolute_path(tmp_path: Path, form: tuple[str, ...]) -> None:
    key = key_pair(tmp_path, *form, *NO_PASSPHRASE)
    assert rules.private_key(str(key)) == str(key.resolve())


@pytest.mark.parametrize("form", FORMATS)
def test_a_private_key_with_a_passphrase_is_refused(tmp_path: Path, form: tuple[str, ...]) -> None:
    key = key_pair(tmp_path, *form, *PASSPHRASE)
    with pytest.raises(ValueError, match="is protected by a passphrase; use a key without one"):
        rules.private_key(str(key))


def test_a_public_key_is_taken_by_its_content(tmp_path: Path) -> None:
    public = key_pair(tmp_path, *FORMATS[0], *NO_PASSPHRASE).with_suffix(".pub")
    assert rules.public_key(str(public)) == public.read_text().strip()


def test_the_two_halves_of_a_key_pair_are_not_taken_for_each_other(tmp_path: Path) -> None:
    private = key_pair(tmp_path, *FORMATS[0], *NO_PASSPHRASE)
    with pytest.raises(ValueError, match="is not an OpenSSH public key"):
        rules.public_key(str(private))
    with pytest.raises(ValueError, match="is not a private key file"):
        rules.private_key(f"{private}.pub")


def test_a_home_directory_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    key_pair(tmp_path, *FORMATS[0], *NO_PASSPHRASE)
    assert rules.private_key("~/key") == str(tmp_path / "key")
    assert rules.public_key("~/key.pub").startswith("ssh-ed25519 ")


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        (rules.public_key, "make a pair with `ssh-keygen -t ed25519`, or set sshPublicKeyFile"),
        (rules.private_key, "set sshPrivateKeyFile to the key that belongs to sshPublicKeyFile"),
        (rules.certificates, "set it to a PEM file, or leave it empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason_and_what_to_do(
    tmp_path: Path, rule: Callable[[str], str], remedy: str
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, reason in (("missing", "No such file or directory"), ("", "Is a directory"), ("binary", "not a text file")):
        with pytest.raises(ValueError) as refused:
            rule(str(tmp_path / name))
        assert str(refused.value) == f"cannot be read ({reason}): {remedy}"


def test_certificates_are_taken_by_their_content_and_other_files_refused(tmp_path: Path) -> None:
    pem, der = tmp_path / "ca.pem", tmp_path / "ca.txt"
    pem.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    der.write_text("MIIB")
    assert rules.certificates(str(pem)) == pem.read_text()
    with pytest.raises(ValueError, match="holds no PEM certificate; convert it"):
        rules.certificates(str(der))


def test_an_empty_file_of_certificates_stands_for_none(tmp_path: Path) -> None:
    (tmp_path / "none.pem").touch()
    assert rules.certificates(str(tmp_path / "none.pem")) == ""
