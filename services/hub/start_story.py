"""What the spawn page shows of a start: lines with a percentage, each once, for as many readers as there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Story:
    """The lines so far. Readers get those first, then each new one when it is told."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._told = asyncio.Event()

    @property
    def last(self) -> str:
        """The newest line; empty before the first."""
        return self._lines[-1][1] if self._lines else ""

    def tell(self, percent: int, text: str) -> None:
        """Add a line, unless it is the last one already."""
        if text != self.last:
            self._lines.append((percent, text))
            self._told.set()
            self._told = asyncio.Event()

    def remark(self, text: str) -> None:
        """Add a line that is no step on the way."""
        self.tell(self._lines[-1][0] if self._lines else 0, text)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The lines as JupyterHub's progress events. Goes on until the reader stops asking."""
        seen = 0
        while True:
            told = self._told
            for percent, text in self._lines[seen:]:
                seen += 1
                yield {"progress": percent, "message": text}
            if told is self._told:
                await told.wait()
