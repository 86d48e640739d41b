"""Why there is no new certificate, in a sentence for people, and when to look again."""

from __future__ import annotations


class Trouble(Exception):  # noqa: N818  an expected state of the world, no error of the program
    """`text` is a sentence without its full stop; `again_s` the seconds until another look is worth it."""

    def __init__(self, text: str, again_s: float) -> None:
        super().__init__(text)
        self.text, self.again_s = text, again_s
