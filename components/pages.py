"""Pages that do not come from the hub, with the site's title in them."""

from __future__ import annotations

import html
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "services" / "pages"


def restarting_page(title: str) -> str:
    """What people see while the hub, their server or the user proxy does not answer; it looks again by itself."""
    return (SOURCE / "restarting.html").read_text().replace("@TITLE@", html.escape(title))
