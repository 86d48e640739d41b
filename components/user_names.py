"""Names of people in the settings, as the hub makes them of what a form or a sign-in service gives."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote


def hub_name(remedy: str) -> Callable[[str], str]:
    """A rule for a user's name: the name by which the hub knows the user, who may be written with capitals and blanks around.

    As JupyterHub's Authenticator does it: `normalize_username` lowers letters and nothing more, so that accents and letters that
    only look alike make different names; with a name that `validate_username` refuses, the hub would not start.
    """

    def rule(text: str) -> str:
        name = text.strip().lower()
        if not name:
            raise ValueError(f"must be set: {remedy}")
        if "/" in name:
            raise ValueError("has a /, which no name in the hub may have")
        if set(unquote(name)) == {"."}:
            raise ValueError("has nothing but dots, which no name in the hub may have")
        hidden = [letter for letter in name if not letter.isprintable()]
        if hidden:
            raise ValueError(f"has a letter that nobody sees (U+{ord(hidden[0]):04X}); write the name by hand")
        return name

    return rule
