"""How the door is: in its log, on the waiting page, and for `make status`."""

from __future__ import annotations

import html
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from . import files
from .certificate import Pair, renewal_time
from .settings import RUN, Settings

TIMEOUT_S = 5.0
STANDS_STILL = timedelta(minutes=30)  # three times what the keeper sleeps at most
CLOSER = "look closer, on the manager: docker service logs --since 24h proxy"
REPLACE = "get a new one, and run: pulumi config set --secret certificate, pulumi config set --secret certificateKey, pulumi up"

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>{name} is getting ready</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto 0; padding: 0 1.5rem; }}
  p.reason {{ border-left: .25rem solid #f37726; padding-left: 1rem; overflow-wrap: anywhere; }}
</style>
<h1>{name} is getting ready</h1>
<p>JupyterHub is behind this page and opens as soon as the site has its certificate. What is being waited for:</p>
<p class="reason">{reason}.</p>
<p>This page looks again by itself.</p>
</html>
"""


class Status:
    """Keeps status.json and the waiting page; says on the log what has changed."""

    def __init__(self, settings: Settings, run: Path = RUN) -> None:
        self._settings, self._run = settings, run
        self._problem, self._since = "the certificate is being made", datetime.now(UTC)
        self._said = ""
        self._renewal: datetime | None = None
        self._write(None)

    def good(self, pair: Pair | None, renewal: datetime | None = None) -> None:
        """All is well, with this certificate, to be renewed at a time that is else its dates', or with none, where another proxy
        does TLS."""
        self._renewal = renewal
        self._note("", pair)

    def bad(self, problem: str, pair: Pair | None) -> None:
        """A sentence, without its full stop, on why there is no newer certificate than this, if there is one at all."""
        self._note(problem, pair)

    def _note(self, problem: str, pair: Pair | None) -> None:
        until = f"; the certificate is valid until {pair.leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC" if pair else ""
        say = f"{problem or 'all is well'}{until}"
        if say != self._said:
            print(f"door: {say}", flush=True)
            self._said = say
        if bool(problem) != bool(self._problem):
            self._since = datetime.now(UTC)
        self._problem = problem
        try:
            self._write(pair)
        except OSError as error:
            print(f"door: the status cannot be written: {error}", flush=True)

    def _write(self, pair: Pair | None) -> None:
        leaf = pair.leaf if pair else None
        status = {
            "https": self._settings.https,
            "name": self._settings.name,
            "until": leaf.not_valid_after_utc.timestamp() if leaf else None,
            "renewal": (self._renewal or renewal_time(leaf)).timestamp() if leaf else None,
            "problem": self._problem,
            "since": self._since.timestamp(),
            "looked": datetime.now(UTC).timestamp(),
        }
        files.write(self._run / "status.json", json.dumps(status))
        page = PAGE.format(name=html.escape(self._settings.name), reason=html.escape(self._problem))
        files.write(self._run / "index.html", page)


def show(run: Path = RUN) -> int:
    """Print the status in a line for people; returns 1 where somebody must do something."""
    try:
        status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"! not known: the door has not said how it is ({error}); {CLOSER}")
        return 1
    text = line(status, datetime.now(UTC), served(status["name"]) if status["until"] else None)
    print(text)
    return 1 if text.startswith("!") else 0


def served(name: str, port: int = 443) -> datetime | None:
    """When the certificate ends that NGINX shows whoever asks for the name; None where nothing answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is only read
    try:
        with (
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname=name) as shown,
        ):
            return x509.load_der_x509_certificate(shown.getpeercert(binary_form=True) or b"").not_valid_after_utc
    except (OSError, ValueError):
        return None


def line(status: dict[str, Any], now: datetime, shown: datetime | None) -> str:
    """The status as a line; it begins with ! where something is wrong, and then ends with what to do. `shown` is the end of the
    certificate that NGINX serves."""
    if status["https"] == "none":
        return "no certificate: another proxy does TLS"
    given = status["https"] == "provided"
    texts, wrong = [f"{status['https']}, {status['name']}"], []
    overdue = False
    if status["until"]:
        until, renewal = (datetime.fromtimestamp(status[name], UTC) for name in ("until", "renewal"))
        left, overdue = until - now, now >= renewal
        texts.append(f"{left.days} days left" if left.days > 2 else f"{max(0, int(left.total_seconds() // 60))} minutes left")
        texts.append(f"to be replaced by {renewal:%Y-%m-%d}" if given else f"renewal {renewal:%Y-%m-%d %H:%M} UTC")
        if shown is None:
            wrong.append("nothing answers on port 443")
        elif abs(shown - until) > timedelta(seconds=1):
            wrong.append(f"NGINX serves another certificate, valid until {shown:%Y-%m-%d %H:%M} UTC")
    if status["problem"]:
        wrong.append(f"{status['problem']} (since {datetime.fromtimestamp(status['since'], UTC):%Y-%m-%d %H:%M} UTC)")
    looked = datetime.fromtimestamp(status["looked"], UTC)
    if not given and now - looked > STANDS_STILL:
        wrong.append(f"nobody has looked after the certificate since {looked:%Y-%m-%d %H:%M} UTC")
    if not wrong and not overdue:
        return "; ".join(texts)
    return f"! {'; '.join([*texts, *wrong, REPLACE if given and overdue else CLOSER])}"
