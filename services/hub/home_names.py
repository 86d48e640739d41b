"""From a user's name to the name of the home folder: any name, no two alike, still readable."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# What goes unchanged: it is safe as a file name, in mount options, in the name of a Docker volume and in a shell. A name
# with `--` in it is not plain, so that none can be mistaken for a folder that ends in a hash.
_PLAIN = re.compile(r"(?!.*--)[a-z0-9][a-z0-9._-]{0,62}")
_READABLE = 40  # characters of the name that a folder with a hash starts with


def home_of(user: str) -> str:
    """The folder of a user: the name itself where it is plain, else its readable part, `--` and 24 digits of its hash.

    At most 66 ASCII characters. The hash is of the exact name (96 bits of SHA-256), so names that look alike, or differ in
    case only, have folders of their own. Raises ValueError for the empty name.
    """
    if not user:
        raise ValueError("a user without a name has no home")
    if _PLAIN.fullmatch(user):
        return user
    return f"{readable(user, _READABLE) or 'user'}--{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def readable(name: str, longest: int) -> str:
    """What is left of a name in a-z, 0-9 and single dashes between them, at most `longest` characters; empty where nothing is."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text)[:longest].strip("-")
