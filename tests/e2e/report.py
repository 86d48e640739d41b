"""JUnit files in, a table and a count out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row: a test, or a step around the tests. `seconds` has a test's fixtures in it; `remark` says why it failed."""

    suite: str
    name: str
    seconds: float
    passed: bool
    remark: str = ""


def read_junit(suite: str, path: Path) -> list[Result]:
    """The tests of a JUnit file. A skipped test counts as failed: end to end, what was not done was not shown."""
    results = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        trouble = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        results.append(
            Result(
                suite=suite,
                name=case.get("name", "?"),
                seconds=float(case.get("time", 0)),
                passed=trouble is None,
                remark="" if trouble is None else f"{trouble.tag}: {_first_line(trouble.get('message') or '')}",
            )
        )
    return results


def table(results: Sequence[Result]) -> str:
    """A line a result with its seconds, a line of totals, and as the very last line `N passed, N failed`."""
    width = max([len(result.name) for result in results] + [4])
    suite_width = max([len(result.suite) for result in results] + [5])
    lines = [f"{'SUITE':<{suite_width}}  {'TEST':<{width}}  SECONDS  RESULT"]
    for result in results:
        outcome = "passed" if result.passed else f"FAILED  {result.remark}"
        lines.append(f"{result.suite:<{suite_width}}  {result.name:<{width}}  {result.seconds:7.1f}  {outcome}".rstrip())
    total = sum(result.seconds for result in results)
    passed = sum(result.passed for result in results)
    lines += [f"{'':<{suite_width}}  {'all':<{width}}  {total:7.1f}", "", f"{passed} passed, {len(results) - passed} failed"]
    return "\n".join(lines)


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:160]
