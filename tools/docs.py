"""`make docs`: write the generated parts of the docs. `--check` changes nothing and fails if a part is out of date."""

from __future__ import annotations

import sys

from components import schema
from tools.graph import ROOT

BEGIN, END = "<!-- generated from Pulumi.yaml by `make docs` -->", "<!-- end -->"
FILES = ("README.md", "docs/configuration.md")


def with_table(text: str, table: str) -> str:
    """The text with what stands between the two marks replaced by the table. Raises ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the marks {BEGIN!r} and {END!r} must both be there")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def main(check: bool) -> int:
    """Bring every file up to date, or name those that are not."""
    table, stale = schema.markdown_table(schema.load()), []
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = with_table(text, table)
        if new != text:
            stale.append(name)
            if not check:
                path.write_text(new, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
