"""How the door is: in its log, on the waiting page, and for `make status`."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import files
from .certificate import Pair, renewal_time
from .settings import RUN, Settings

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
        }
        files.write(self._run / "status.json", json.dumps(status))
        page = PAGE.format(name=html.escape(self._settings.name), reason=html.escape(self._problem))
        files.write(self._run / "index.html", page)


def show(run: Path = RUN) -> int:
    """Print the status in a line for people; returns 1 where somebody must do something."""
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    text = line(status, datetime.now(UTC))
    print(text)
    return 1 if text.startswith("!") else 0


def line(status: dict[str, Any], now: datetime) -> str:
    """The status as a line; it begins with ! where something is wrong."""
    if status["https"] == "none":
        return "no certificate: another proxy does TLS"
    texts = [f"{status['https']}, {status['name']}"]
    overdue = False
    if status["until"]:
        left = datetime.fromtimestamp(status["until"], UTC) - now
        renewal = datetime.fromtimestamp(status["renewal"], UTC)
        overdue = now >= renewal
        texts.append(f"{left.days} days left" if left.days > 2 else f"{max(0, int(left.total_seconds() // 60))} minutes left")
        texts.append(
            f"to be replaced by {renewal:%Y-%m-%d}" if status["https"] == "provided" else f"renewal {renewal:%Y-%m-%d %H:%M} UTC"
        )
    if status["problem"]:
        texts.append(f"{status['problem']} (since {datetime.fromtimestamp(status['since'], UTC):%Y-%m-%d %H:%M} UTC)")
    return f"{'! ' if status['problem'] or overdue else ''}{'; '.join(texts)}"
