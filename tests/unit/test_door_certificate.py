"""The door's certificates: what they cover, when they are renewed, and those that it issues itself."""

from __future__ import annotations

import shutil
import stat
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import verification

from images.proxy.door import authority
from images.proxy.door.authority import Authority
from images.proxy.door.certificate import Pair, renewal_time
from images.proxy.door.store import KEPT, Store
from images.proxy.door.trouble import Trouble
from tests.unit.door_pairs import NAME, NOW, made


@pytest.mark.parametrize(("days", "left"), [(90, 30), (6, 2), (45 / 1440, 15 / 1440)])
def test_renewal_is_due_when_a_third_of_the_lifetime_is_left(days: float, left: float) -> None:
    leaf = made(begins=NOW, days=days).leaf
    assert leaf.not_valid_after_utc - renewal_time(leaf) == timedelta(days=left)


def test_a_certificate_covers_its_names_and_one_label_of_a_wildcard() -> None:
    pair = made("hub.example.org", "*.example.net", "192.0.2.10")
    assert pair.covers("hub.example.org")
    assert pair.covers("hub.example.net")
    assert pair.covers("192.0.2.10")
    for other in ("example.org", "a.hub.example.net", "example.net", "192.0.2.11"):
        assert not pair.covers(other)


def test_a_key_of_another_certificate_does_not_fit() -> None:
    one, other = made(), made()
    assert one.fits()
    assert not Pair(chain=one.chain, key=other.key).fits()


def own(folder: Path, site: str) -> tuple[Pair, x509.Certificate]:
    """What the own CA of a site issues, and that CA."""
    pair = Authority(site, folder).issue()
    return pair, x509.load_pem_x509_certificate((folder / "selfsigned" / site / "ca.pem").read_bytes())


@pytest.mark.parametrize("site", [NAME, "192.0.2.10"])
def test_a_site_with_its_own_ca_is_trusted_by_who_trusts_that_ca(tmp_path: Path, site: str) -> None:
    pair, ca = own(tmp_path, site)
    assert pair.fits() and pair.covers(site)
    pair.leaf.verify_directly_issued_by(ca)
    assert pair.leaf.not_valid_after_utc - pair.leaf.not_valid_before_utc == timedelta(days=90, hours=1)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).critical


def test_the_own_ca_can_vouch_for_no_other_site(tmp_path: Path) -> None:
    pair, ca = own(tmp_path, NAME)
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(NAME)]
    verifier = verification.PolicyBuilder().store(verification.Store([ca]))
    assert verifier.build_server_verifier(x509.DNSName(NAME)).verify(pair.leaf, [])
    with pytest.raises(verification.VerificationError):
        verifier.build_server_verifier(x509.DNSName("bank.example.org")).verify(pair.leaf, [])


def test_the_own_ca_is_made_once_and_its_key_is_nobody_elses_to_read(tmp_path: Path) -> None:
    (first, ca), (second, again) = own(tmp_path, NAME), own(tmp_path, NAME)
    assert ca == again
    assert first.chain != second.chain
    assert stat.S_IMODE((tmp_path / "selfsigned" / NAME / "ca-key.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\n", None, made().key], ids=["empty", "cut", "gone", "other"])
def test_an_own_ca_whose_key_is_damaged_is_not_replaced_but_told_with_the_remedy(tmp_path: Path, text: str | None) -> None:
    folder = tmp_path / "selfsigned" / NAME
    _, ca = own(tmp_path, NAME)
    right = (folder / "ca-key.pem").read_text()
    (folder / "ca-key.pem").unlink() if text is None else (folder / "ca-key.pem").write_text(text)
    with pytest.raises(Trouble, match=r"bring back ca-key\.pem .* or remove that folder; then a new CA is made there"):
        own(tmp_path, NAME)
    (folder / "ca-key.pem").write_text(right)
    assert own(tmp_path, NAME)[1] == ca


@pytest.mark.parametrize("text", ["", None, made("other.example.org").chain], ids=["empty", "gone", "other"])
def test_an_own_ca_whose_certificate_is_damaged_has_another_of_the_key_that_is_trusted(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "selfsigned" / NAME / "ca.pem"
    _, ca = own(tmp_path, NAME)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    pair, again = own(tmp_path, NAME)
    assert again.public_key() == ca.public_key()
    pair.leaf.verify_directly_issued_by(ca)


@pytest.mark.parametrize("days", [3, -3600, -20000], ids=["clock ahead", "nearly ten years ago", "clock of 1970"])
def test_an_own_ca_whose_dates_are_not_todays_is_dated_anew_for_who_trusts_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(days=days)

    with monkeypatch.context() as wrong:
        wrong.setattr(authority, "datetime", Clock)
        _, first = own(tmp_path, NAME)
    pair, ca = own(tmp_path, NAME)
    assert ca.not_valid_before_utc <= datetime.now(UTC) < ca.not_valid_after_utc - timedelta(days=90)
    verifier = verification.PolicyBuilder().store(verification.Store([ca]))
    assert verifier.build_server_verifier(x509.DNSName(NAME)).verify(pair.leaf, [])
    pair.leaf.verify_directly_issued_by(first)
    assert own(tmp_path, NAME)[1] == ca


def test_a_folder_that_somebody_has_put_beside_the_certificates_is_left_alone(tmp_path: Path) -> None:
    store = Store("selfsigned", NAME, tmp_path)
    store.save(pair := made())
    (folder,) = (tmp_path / "certificates").iterdir()
    kept = shutil.copytree(folder, folder.with_name(f"{folder.name}.bak"))
    assert store.newest() == pair
    for _ in range(3):
        store.save(made())
    assert kept.exists()


def test_the_newest_certificate_of_the_issuer_for_the_name_is_live(tmp_path: Path) -> None:
    store = Store("acme-1", NAME, tmp_path)
    pairs = [made() for _ in range(4)]
    for pair in pairs:
        store.save(pair)
    assert store.newest() == pairs[-1]
    assert (tmp_path / "live" / "fullchain.pem").read_text() == pairs[-1].chain
    assert stat.S_IMODE((tmp_path / "live" / "privkey.pem").stat().st_mode) == 0o600
    assert len(list((tmp_path / "certificates").iterdir())) == KEPT
    assert Store("acme-2", NAME, tmp_path).newest() is None
    assert Store("acme-1", "other.example.org", tmp_path).newest() is None


def test_the_dates_of_certificates_count_and_not_the_clock_of_the_moment_when_they_came(tmp_path: Path) -> None:
    store, older, newer = Store("acme-1", NAME, tmp_path), made(begins=NOW), made(begins=NOW + timedelta(days=60))
    # As it was done before: the older one was made while the clock was a month ahead.
    for name, pair in (("acme-1.1900000000000000000", older), ("acme-1.1800000000000000000", newer)):
        folder = tmp_path / "certificates" / name
        folder.mkdir(parents=True)
        (folder / "fullchain.pem").write_text(pair.chain)
        (folder / "privkey.pem").write_text(pair.key)
    assert store.newest() == newer
    store.save(latest := made(begins=NOW + timedelta(days=120)))
    assert store.newest() == latest
    assert len(list((tmp_path / "certificates").iterdir())) == KEPT


@pytest.mark.parametrize("jump_s", [-30 * 86400, 30 * 86400])
def test_of_certificates_with_the_same_dates_the_one_that_came_last_is_live_though_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: int
) -> None:
    store, first, second = Store("acme-1", NAME, tmp_path), made(begins=NOW), made(begins=NOW)
    store.save(first)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + jump_s * 10**9)
    store.save(second)
    assert store.newest() == second


def test_a_certificate_that_replaces_one_with_later_dates_is_live_from_then_on(tmp_path: Path) -> None:
    store, ahead, right = Store("selfsigned", NAME, tmp_path), made(begins=NOW + timedelta(days=30)), made(begins=NOW)
    for pair in (ahead, right):
        store.save(pair)
    assert store.newest() == right
    assert (tmp_path / "live" / "fullchain.pem").read_text() == right.chain


def test_a_certificate_that_was_cut_off_is_passed_over_for_the_one_before_it(tmp_path: Path) -> None:
    store, before = Store("acme-1", NAME, tmp_path), made()
    store.save(before)
    store.save(made())
    (tmp_path / "live" / "privkey.pem").write_text("-----BEGIN")
    assert store.newest() == before
    assert (tmp_path / "live" / "fullchain.pem").read_text() == before.chain
