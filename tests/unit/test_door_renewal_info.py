"""What the CA says of when to renew, and what becomes of it: it may hurry a renewal, and never holds one up."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from images.proxy.door import renewal_info
from images.proxy.door.certificate import new_key, renewal_time
from images.proxy.door.renewal_info import RenewalInfo, certificate_id
from images.proxy.door.settings import Settings

SETTINGS = Settings(https="letsencrypt", domain="", address="192.0.2.10", acme_server="https://ca.example.org/directory")
BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
# The identifier of RFC 9773, 4.1.
SERIAL, ISSUER = 0x87654321, bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
ID = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


class Answer(io.BytesIO):
    """A body with headers."""

    headers: ClassVar[dict[str, str]] = {}


class Authority:
    """What the CA answers at each address; `asked` are those that were asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {SETTINGS.acme_server: {"renewalInfo": "https://ca.example.org/ari"}}
        self.asked: list[str] = []

    def wants(self, start: str, end: str) -> None:
        self.answers[f"https://ca.example.org/ari/{ID}"] = {"suggestedWindow": {"start": start, "end": end}}

    def open(self, _: Settings, url: str) -> Answer:
        self.asked.append(url)
        if url not in self.answers:
            raise OSError("no route to host")
        return Answer(json.dumps(self.answers[url]).encode())


@pytest.fixture
def ca(monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A CA that has renewal information."""
    made = Authority()
    monkeypatch.setattr(renewal_info, "opened", made.open)
    return made


@pytest.fixture
def leaf() -> x509.Certificate:
    """A certificate of 90 days."""
    key, name = new_key(), x509.Name([])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), SERIAL, BEGINS, BEGINS + timedelta(days=90))
        .add_extension(x509.AuthorityKeyIdentifier(ISSUER, None, None), critical=False)
        .sign(key, hashes.SHA256())
    )


def test_a_certificate_has_the_identifier_of_the_standard(leaf: x509.Certificate) -> None:
    assert certificate_id(leaf) == ID


def test_the_ca_may_ask_for_an_earlier_renewal(ca: Authority, leaf: x509.Certificate) -> None:
    ca.wants("2026-03-10T00:00:00Z", "2026-03-12T00:00:00.123456789Z")
    wanted = RenewalInfo(SETTINGS).renewal(leaf)
    assert datetime(2026, 3, 10, tzinfo=UTC) <= wanted < datetime(2026, 3, 12, 0, 0, 1, tzinfo=UTC)
    assert RenewalInfo(SETTINGS).renewal(leaf) == wanted


def test_a_renewal_is_never_later_than_the_dates_ask_for(ca: Authority, leaf: x509.Certificate) -> None:
    ca.wants("2026-05-29T00:00:00Z", "2026-05-30T00:00:00Z")
    assert RenewalInfo(SETTINGS).renewal(leaf) == renewal_time(leaf)


def test_a_ca_that_wants_each_certificate_renewed_at_once_gets_one_a_day(ca: Authority, leaf: x509.Certificate) -> None:
    ca.wants("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
    assert RenewalInfo(SETTINGS).renewal(leaf) == BEGINS + timedelta(days=1)


def no_resource(ca: Authority) -> None:
    ca.answers[SETTINGS.acme_server] = {"newOrder": "https://ca.example.org/order"}


def no_answer(ca: Authority) -> None:
    ca.answers.clear()


def no_window(ca: Authority) -> None:
    ca.answers[f"https://ca.example.org/ari/{ID}"] = {}


def no_times(ca: Authority) -> None:
    ca.wants("soon", "later")


def no_object(ca: Authority) -> None:
    ca.answers[SETTINGS.acme_server] = []


@pytest.mark.parametrize("lack", [no_resource, no_answer, no_window, no_times, no_object])
def test_without_a_usable_answer_the_dates_count_and_the_ca_is_not_asked_again_soon(
    ca: Authority, leaf: x509.Certificate, lack: Callable[[Authority], None]
) -> None:
    lack(ca)
    info = RenewalInfo(SETTINGS)
    for _ in range(3):
        assert info.renewal(leaf) == renewal_time(leaf)
    assert ca.asked.count(SETTINGS.acme_server) == 1


def test_the_ca_is_asked_again_when_it_says_and_its_last_word_holds_until_then(
    ca: Authority, leaf: x509.Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setitem(Answer.headers, "Retry-After", "21600")
    ca.wants("2026-03-10T00:00:00Z", "2026-03-10T00:00:00Z")
    info, wanted = RenewalInfo(SETTINGS), datetime(2026, 3, 10, tzinfo=UTC)
    assert info.renewal(leaf) == wanted
    ca.wants("2026-03-05T00:00:00Z", "2026-03-05T00:00:00Z")
    now += 21000
    assert info.renewal(leaf) == wanted
    now += 1000
    assert info.renewal(leaf) == datetime(2026, 3, 5, tzinfo=UTC)
    ca.answers.clear()
    now += 22000
    assert info.renewal(leaf) == datetime(2026, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize("told", ["nan", "inf", "-1", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
def test_the_ca_is_asked_again_within_a_day_whatever_it_says(
    ca: Authority, leaf: x509.Certificate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], told: str
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setitem(Answer.headers, "Retry-After", told)
    ca.wants("2026-03-10T00:00:00Z", "2026-03-10T00:00:00Z")
    info = RenewalInfo(SETTINGS)
    info.renewal(leaf)
    now += 3599
    info.renewal(leaf)
    assert ca.asked.count(SETTINGS.acme_server) == 1
    now += 86400
    info.renewal(leaf)
    assert ca.asked.count(SETTINGS.acme_server) == 2
    assert capsys.readouterr().out == ""


class Endless(BaseHTTPRequestHandler):
    """Answers with blanks, in pieces, and a limit for the test's sake; `sent` counts them."""

    piece, pause_s, most, sent = 0, 0.0, 0, 0

    def do_GET(self) -> None:
        cls = type(self)
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            while cls.sent < cls.most:
                self.wfile.write(b" " * cls.piece)
                cls.sent += cls.piece
                time.sleep(cls.pause_s)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("piece", "pause_s", "most"), [(1 << 20, 0.0, 100 << 20), (1, 0.05, 200)], ids=["endless", "slow"])
def test_an_answer_without_an_end_is_given_up(
    leaf: x509.Certificate, monkeypatch: pytest.MonkeyPatch, piece: int, pause_s: float, most: int
) -> None:
    monkeypatch.setattr(renewal_info, "TIMEOUT_S", 1.0)

    class Handler(Endless):
        sent = 0

    Handler.piece, Handler.pause_s, Handler.most = piece, pause_s, most
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings = replace(SETTINGS, acme_server=f"http://127.0.0.1:{server.server_port}/directory")
        assert RenewalInfo(settings).renewal(leaf) == renewal_time(leaf)
        server.shutdown()
        thread.join()
    assert Handler.sent < most / 2
