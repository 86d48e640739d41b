"""How often a CA may be asked: at once when there is reason to hope, ever more seldom after refusals, never beyond its limits."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import files

# Let's Encrypt refuses, for an hour, whoever failed 5 times within one for the same name, and for a week whoever got 5
# certificates for it (https://letsencrypt.org/docs/rate-limits/). Both are kept on the state volume: a container that starts
# again and again must not use them up.
MOST_AN_HOUR, HOUR_S = 4, 3600.0
FIRST_S, LONGEST_S = 900.0, 6 * 3600.0  # between two refusals
TOLD_LONGEST_S = 7 * 86400.0  # no CA's limit lasts longer; more is told by a wrong clock
OUTAGE_FIRST_S, OUTAGE_LONGEST_S = 10.0, 900.0  # between two looks for a CA that does not answer, which costs it nothing


def growing(first_s: float, longest_s: float, failures: int) -> float:
    """The pause after so many failures in a row, doubled with each, and up to a tenth more, so that not all come at once."""
    return min(longest_s, first_s * 2.0 ** min(failures - 1, 16)) * random.uniform(1, 1.1)  # noqa: S311  no secret


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`asked` are the times within the last hour, `issued` that of the certificate that came last, `issued_until` the end of its
    pause."""

    asked: tuple[float, ...] = ()
    issued: float = 0.0
    issued_until: float = 0.0


class Pace:
    """One CA and one name. A pause is measured by a clock that nobody sets; times that outlive a container are seconds since
    1970, and one that lies in the future was written by a wrong clock and counts for nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._failures = 0
        self._refused_until = self._issued_until = 0.0  # of time.monotonic()

    @property
    def wait_s(self) -> float:
        """The seconds until the CA may be asked again; none or less for now."""
        now, kept = time.time(), self._kept()
        full_s = kept.asked[-MOST_AN_HOUR] + HOUR_S - now if len(kept.asked) >= MOST_AN_HOUR else 0.0
        return max(max(self._refused_until, self._issued_until) - time.monotonic(), full_s, kept.issued_until - now)

    @property
    def has_just_issued(self) -> bool:
        """Whether that wait is for the certificate that came last."""
        return max(self._issued_until - time.monotonic(), self._kept().issued_until - time.time()) > 0

    def count(self) -> None:
        """Note, before it happens, that the CA is asked. Raises OSError where it cannot be noted."""
        kept = self._kept()
        self._write(replace(kept, asked=(*kept.asked, time.time())))

    def issued(self, lifetime_s: float) -> None:
        """It issued, a certificate of that lifetime. The next one is asked for an hour later at the earliest, or a third of the
        lifetime where that is less, whatever is wrong with this one; what was counted for it was no failure."""
        self.encouraged()
        pause_s = min(HOUR_S, lifetime_s / 3)
        self._issued_until = time.monotonic() + pause_s
        with contextlib.suppress(OSError):  # then the next container may ask too early; the certificate must not be lost for that
            self._write(Kept(asked=self._kept().asked[:-1], issued=time.time(), issued_until=time.time() + pause_s))

    def refused(self, until: float | None = None) -> None:
        """The CA refused; `until` is the time that it told, if it did."""
        self._failures += 1
        told_s = min(until - time.time(), TOLD_LONGEST_S) if until else 0.0
        self._refused_until = time.monotonic() + max(growing(FIRST_S, LONGEST_S, self._failures), told_s)

    def encouraged(self) -> None:
        """What the CA stumbled over is gone: no need to wait out the pause."""
        self._failures, self._refused_until = 0, 0.0

    def _write(self, kept: Kept) -> None:
        files.write(self._file, json.dumps(asdict(kept)))

    def _kept(self) -> Kept:
        """What the file says, or nothing where it is broken, or of another time."""
        try:
            values = json.loads(self._file.read_text(encoding="utf-8"))
            asked, issued, until = [float(at) for at in values["asked"]], float(values["issued"]), float(values["issued_until"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Kept()
        now = time.time()
        lately = tuple(moment for moment in asked if now - HOUR_S < moment <= now)
        return Kept(asked=lately, issued=issued, issued_until=until if issued <= now else 0.0)
