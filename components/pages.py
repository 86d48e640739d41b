"""Pages that do not come from the hub, with the site's title in them."""

from __future__ import annotations

import html
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "services" / "pages"
_FORGET = (
    '<a href="/.forget-cookies">Delete the cookies of this site</a>: you sign in again, here and at other sites of the same '
    "domain. Nothing of your work is lost."
)


def restarting_page(title: str) -> str:
    """What people see while the hub, their server or the user proxy does not answer; it looks again by itself."""
    return _page("restarting.html", title)


def refused_pages(title: str, upload_limit: int) -> dict[str, str]:
    """What people see where NGINX refuses something, by the names of the files. `upload_limit` is bytes."""
    mib = f"{upload_limit / 1024**2:.10g} MiB"
    return {
        "refused-request.html": _refused(
            title,
            "Your browser sends more than this site takes",
            "Most often it has too many cookies of this site, or the address is too long.",
            f"{_FORGET} If this page comes back, delete them in the settings of your browser.",
        ),
        "refused-upload.html": _refused(
            title,
            f"This is more than {mib}",
            f"The site takes {mib} at once. Send it in several parts, or let the notebook server fetch it from where it is.",
            "Who runs the site can raise the limit (<code>uploadLimit</code>).",
        ),
        "refused-answer.html": _refused(
            title,
            "The answer has more headers than this site passes on",
            "What you opened works, but sends more than 64 KiB of headers, most often too many or too large cookies. Trying "
            "again leads here again; its author can mend that.",
        ),
    }


def _refused(title: str, heading: str, *paragraphs: str) -> str:
    text = "\n".join(f"  <p>{paragraph}</p>" for paragraph in paragraphs)
    return _page("refused.html", title, TEXT=text, HEADING=heading)


def _page(file: str, title: str, **texts: str) -> str:
    """A page with what all pages share, and these texts in its places `@NAME@`; the title, which is anybody's, goes in last."""
    page = (SOURCE / file).read_text()
    for name, text in {"STYLE": (SOURCE / "page.css").read_text().rstrip(), **texts, "TITLE": html.escape(title)}.items():
        page = page.replace(f"@{name}@", text)
    return page
