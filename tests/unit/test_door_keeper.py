"""The door's loop: it renews in time, and whatever goes wrong it keeps what it has, says why, and comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from images.proxy.door.certificate import Pair, renewal_time
from images.proxy.door.keeper import BROKEN_S, Keeper
from images.proxy.door.settings import Settings
from images.proxy.door.status import Status
from images.proxy.door.store import Store
from images.proxy.door.trouble import Trouble
from tests.unit.door_pairs import NAME, made


class Nginx:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.used: list[str] = []

    def use(self, config: str) -> None:
        self.used.append(config)


class Issuer:
    """Gives, or raises, one thing after the other."""

    name = "test"

    def __init__(self, *results: Pair | Exception) -> None:
        self.results = list(results)
        self.wanted = datetime.max.replace(tzinfo=UTC)

    def renewal(self, leaf: x509.Certificate) -> datetime:
        return min(self.wanted, renewal_time(leaf))

    def issue(self) -> Pair:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


class Door:
    """A keeper with all that it needs in one folder."""

    def __init__(self, folder: Path, *results: Pair | Exception) -> None:
        self.folder, self.nginx, self.issuer = folder, Nginx(), Issuer(*results)
        self.store = Store("test", NAME, folder)
        self.status = Status(Settings(https="letsencrypt", domain=NAME, address="192.0.2.10"), folder)
        self.keeper = Keeper(self.issuer, self.store, self.nginx, self.status)  # type: ignore[arg-type]

    @property
    def problem(self) -> str:
        return str(json.loads((self.folder / "status.json").read_text())["problem"])


@pytest.fixture
def door(tmp_path: Path) -> Callable[..., Door]:
    """Makes a door whose issuer has these results, in their order."""
    return lambda *results: Door(tmp_path, *results)


def old(days: float) -> Pair:
    """A certificate of 90 days that began so many days ago."""
    return made(begins=datetime.now(UTC) - timedelta(days=days))


def test_a_first_certificate_opens_the_site_and_is_left_alone_for_two_thirds_of_its_life(door: Callable[..., Door]) -> None:
    new = door(made())
    assert not new.keeper.resume()
    assert new.keeper.step() == pytest.approx(60 * 86400, abs=120)
    assert new.nginx.used == ["nginx.conf"]
    assert new.problem == ""


def test_a_certificate_of_an_earlier_run_is_served_without_asking_anybody(door: Callable[..., Door]) -> None:
    again = door()
    again.store.save(old(10))
    assert again.keeper.resume()
    assert again.keeper.step() == pytest.approx(50 * 86400, abs=120)
    assert again.nginx.used == []


def test_a_certificate_is_renewed_when_two_thirds_are_over_and_nginx_takes_the_new_one(door: Callable[..., Door]) -> None:
    new = made()
    due = door(new)
    due.store.save(old(61))
    assert due.keeper.resume()
    due.keeper.step()
    assert due.store.newest() == new
    assert due.nginx.used == ["nginx.conf"]


def test_a_certificate_that_is_not_valid_yet_is_replaced_and_does_not_come_back(door: Callable[..., Door]) -> None:
    right = made()
    ahead = door(right)
    ahead.store.save(old(-30))  # made while the clock was a month ahead
    assert ahead.keeper.resume()
    assert ahead.keeper.step() == pytest.approx(60 * 86400, abs=120)
    assert ahead.store.newest() == right
    assert ahead.nginx.used == ["nginx.conf"]


@pytest.mark.parametrize("days", [-30, 61], ids=["clock behind", "clock ahead"])
def test_a_certificate_that_comes_out_of_time_tells_of_a_wrong_clock_and_is_not_asked_for_again(
    door: Callable[..., Door], days: int
) -> None:
    new = door(odd := old(days))
    for _ in range(3):
        assert new.keeper.step() == BROKEN_S
        assert "a certificate came that is valid from" in new.problem and new.problem.endswith("; set the clock")
    assert new.store.newest() == odd
    assert new.nginx.used == ["nginx.conf"]


def test_a_certificate_is_renewed_as_soon_as_its_issuer_wants_it(door: Callable[..., Door]) -> None:
    early = door(new := made())
    early.store.save(old(10))
    early.issuer.wanted = datetime.now(UTC) + timedelta(seconds=100)
    assert early.keeper.step() == pytest.approx(100, abs=5)
    assert json.loads((early.folder / "status.json").read_text())["renewal"] == early.issuer.wanted.timestamp()
    early.issuer.wanted = datetime.now(UTC)
    early.keeper.step()
    assert early.store.newest() == new


@pytest.mark.parametrize(
    ("error", "told", "again_s"),
    [
        (Trouble("the CA does not answer", 10.0), "the CA does not answer", 10.0),
        (OSError(28, "No space left on device"), "the state folder does not work: [Errno 28] No space left on device", BROKEN_S),
        (OSError(30, "Read-only file system"), "the state folder does not work: [Errno 30] Read-only file system", BROKEN_S),
        (KeyError("surprise"), "KeyError: 'surprise'", BROKEN_S),
    ],
)
def test_what_goes_wrong_is_told_and_tried_again_while_the_old_certificate_is_served(
    door: Callable[..., Door], error: Exception, told: str, again_s: float
) -> None:
    before, new = old(80), made()
    bad = door(error, new)
    bad.store.save(before)
    assert bad.keeper.resume()
    assert bad.keeper.step() == again_s
    assert bad.store.newest() == before
    assert bad.nginx.used == []
    assert bad.problem == told
    bad.keeper.step()
    assert bad.store.newest() == new
    assert bad.problem == ""


def test_a_certificate_that_cannot_be_saved_is_kept_in_mind_and_not_asked_for_again(
    door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = made()
    full = door(new)
    with monkeypatch.context() as patched:
        patched.setattr(full.store, "save", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        for _ in range(3):
            assert full.keeper.step() == BROKEN_S
    full.keeper.step()
    assert full.store.newest() == new


def test_a_certificate_that_nginx_does_not_take_is_offered_again(door: Callable[..., Door]) -> None:
    stubborn = door(made())
    taken = stubborn.nginx.use

    def refuse(config: str) -> None:
        raise RuntimeError("NGINX does not take nginx.conf: no")

    stubborn.nginx.use = refuse  # type: ignore[method-assign]
    assert stubborn.keeper.step() == BROKEN_S
    assert "NGINX does not take" in stubborn.problem
    stubborn.nginx.use = taken  # type: ignore[method-assign]
    stubborn.keeper.step()
    assert stubborn.nginx.used == ["nginx.conf"]


def test_the_waiting_page_says_what_is_waited_for_and_is_safe_with_any_text(tmp_path: Path) -> None:
    status = Status(Settings(https="letsencrypt", domain=NAME, address="192.0.2.10"), tmp_path)
    status.bad("the CA says: <script>", None)
    page = (tmp_path / "index.html").read_text()
    assert "the CA says: &lt;script&gt;." in page
    assert "<script>" not in page
    assert f"{NAME} is getting ready" in page


def test_a_renewal_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = Status(Settings(https="letsencrypt", domain=NAME, address="192.0.2.10"), tmp_path)
    for pair in (old(61), old(61), old(0)):
        status.good(pair)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert all(text.startswith("door: all is well; the certificate is valid until 20") for text in said)


def test_a_problem_is_logged_once_and_so_is_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = Status(Settings(https="letsencrypt", domain=NAME, address="192.0.2.10"), tmp_path)
    for problem in ("closed", "closed", "", ""):
        status.bad(problem, None) if problem else status.good(None)
    assert capsys.readouterr().out == "door: closed\ndoor: all is well\n"
