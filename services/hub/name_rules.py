"""What a name of a user or of a server must be. Pure: the program refuses in the settings what the hub would.

The rules are wide, for sign-in services send e-mail addresses, names with a domain and a backslash, and letters of any script.
They keep out what ends or begins a thing elsewhere: braces (templates of Swarm), slashes (addresses), characters that control a
terminal or a log, and those that turn the direction of writing, by which a name looks like another.
"""

from __future__ import annotations

import re

LONGEST_USER, LONGEST_SERVER = 255, 100  # characters; the first is the column's in JupyterHub's database
_NEVER = r"{}/\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
# JupyterHub matches it from the name's beginning.
USERNAME_PATTERN = rf"[^{_NEVER}]{{1,{LONGEST_USER}}}\Z"
_SERVER = re.compile(rf"(?![.]+\Z)(?!\s)[^{_NEVER}]{{1,{LONGEST_SERVER}}}(?<!\s)\Z")
_SENTENCE = "no brace, no slash and no control character in it"


def user_refusal(name: str) -> str:
    """Why a user cannot be called so; empty where one can."""
    if re.match(USERNAME_PATTERN, name):
        return ""
    return f"a user's name has 1 to {LONGEST_USER} characters, {_SENTENCE}"


def server_refusal(name: str) -> str:
    """Why a server cannot be called so; empty where one can, and for the default server, which has no name."""
    if not name or _SERVER.match(name):
        return ""
    return (
        f"A server cannot be called {name[:LONGEST_SERVER]!r}. Choose a name of 1 to {LONGEST_SERVER} characters with "
        f"{_SENTENCE}, that is not dots only and neither begins nor ends with a space."
    )
