"""What `make status` says of the door: a certificate that is late, gone or another one than it should be is bad, with the command
that looks closer."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from images.proxy.door import status
from images.proxy.door.settings import Settings
from images.proxy.door.status import CLOSER, REPLACE, Status, line, served, show
from tests.unit.door_pairs import NAME, made


def entry(**changes: object) -> dict[str, object]:
    """A status as the door writes it: 50 days left of 90."""
    now = datetime.now(UTC).timestamp()
    until, renewal = now + 50 * 86400 + 60, now + 20 * 86400
    dates = {"until": until, "renewal": renewal, "since": now, "looked": now}
    return {"https": "letsencrypt", "name": NAME, "problem": "", **dates, **changes}


def said(shown_days: float | None = 50, **changes: object) -> str:
    """The line, where NGINX shows a certificate that ends in so many days, or none."""
    found = entry(**changes)
    now = datetime.now(UTC)
    shown = None if shown_days is None else datetime.fromtimestamp(now.timestamp() + shown_days * 86400 + 60, UTC)
    return line(found, now, shown)


def test_a_door_that_is_well_shows_the_days_left() -> None:
    assert said().startswith(f"letsencrypt, {NAME}; 50 days left; renewal 2")
    assert said(None, https="none", until=None) == "no certificate: another proxy does TLS"
    assert "to be replaced by 2" in said(https="provided", looked=0)  # nothing renews that one


@pytest.mark.parametrize(
    ("shown", "changes", "told"),
    [
        (50, {"problem": "the CA does not answer"}, "; the CA does not answer (since 2"),
        (None, {"until": None, "problem": "the name does not resolve"}, "; the name does not resolve (since 2"),
        (50, {"renewal": 9.0}, "; renewal 1970-01-01 00:00 UTC; look closer"),
        (None, {}, "; nothing answers on port 443; look closer"),
        (20, {}, "; NGINX serves another certificate, valid until 2"),
        (50, {"looked": 9.0}, "; nobody has looked after the certificate since 1970-01-01 00:00 UTC; look closer"),
    ],
)
def test_what_is_late_or_gone_is_bad_with_the_command_that_looks_closer(
    shown: float | None, changes: dict[str, object], told: str
) -> None:
    text = said(shown, **changes)
    assert text.startswith(f"! letsencrypt, {NAME}; ")
    assert told in text
    assert text.endswith(CLOSER)


def test_a_given_certificate_that_is_to_be_replaced_is_bad_with_the_commands_that_do() -> None:
    assert said(https="provided", renewal=9.0).endswith(f"; to be replaced by 1970-01-01; {REPLACE}")


def test_what_nginx_shows_is_read_from_the_port(tmp_path: Path) -> None:
    pair = made(days=5)
    for name, text in (("chain.pem", pair.chain), ("key.pem", pair.key)):
        (tmp_path / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        with context.wrap_socket(listening, server_side=True) as secure:
            secure.accept()[0].close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert served(NAME, port) == pair.leaf.not_valid_after_utc
    thread.join(10)
    assert served(NAME, port) is None


def test_status_fails_where_the_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(tmp_path) == 1
    assert capsys.readouterr().out.startswith("! not known: the door has not said how it is")
    report, pair = Status(Settings(https="letsencrypt", domain=NAME, address="192.0.2.10"), tmp_path), made()
    monkeypatch.setattr(status, "served", lambda _: pair.leaf.not_valid_after_utc)
    report.good(pair)
    assert show(tmp_path) == 0
    report.bad("closed", pair)
    assert show(tmp_path) == 1
    report.good(pair)
    written = json.loads((tmp_path / "status.json").read_text())
    (tmp_path / "status.json").write_text(json.dumps({**written, "looked": written["looked"] - 3600}))
    assert show(tmp_path) == 1
    assert capsys.readouterr().out.count(NAME) == 3
