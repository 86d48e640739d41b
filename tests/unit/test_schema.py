"""Pulumi.yaml's settings: each has a type, a default and a description, and each is read, once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
import yaml

from components import schema
from components.settings import Settings, load
from tools import docs
from tools.graph import ROOT

TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
SECTION: dict[str, dict[str, Any]] = yaml.safe_load(schema.PROJECT_FILE.read_text())["config"]


@pytest.mark.parametrize("key", SECTION)
def test_every_key_has_a_type_a_default_of_that_type_and_a_description(key: str) -> None:
    spec = SECTION[key]
    assert type(spec["default"]) is TYPES[spec["type"]]
    assert spec.get("items") in (({"type": "string"}, {"type": "object"}) if spec["type"] == "array" else (None,))
    assert re.fullmatch(r"[A-Z][^|\n]{20,}\.", spec["description"])


def test_keys_are_written_like_pulumis_own() -> None:
    assert [key for key in SECTION if not re.fullmatch(r"[a-z][A-Za-z]*", key)] == []


def test_no_key_of_the_file_is_a_secret_since_its_default_would_be_stored_in_plain_text() -> None:
    assert [key for key, spec in SECTION.items() if "secret" in spec] == []


def test_every_key_is_read_exactly_once_and_nothing_else_is(stack_values: dict[str, str]) -> None:
    read: Counter[str] = Counter()

    def get(name: str) -> str | None:
        read[name] += 1
        return stack_values.get(name)

    load(get, schema.load())
    assert read == Counter(list(SECTION))


def test_every_field_of_the_settings_comes_from_a_key_of_its_name() -> None:
    def key_of(field: str) -> str:
        first, *rest = field.removesuffix("_file").split("_")
        return first + "".join(word.capitalize() for word in rest)

    assert [key_of(field.name) for field in fields(Settings)] == [key.removesuffix("File") for key in SECTION]


def test_the_schema_keeps_the_order_of_the_file() -> None:
    assert list(schema.load()) == list(SECTION)


def test_the_table_of_the_docs_has_a_row_for_every_key() -> None:
    head, rule, *rows = schema.markdown_table(schema.load()).splitlines()
    assert head == "| Key | Type | Default | What it is, and what a change does |"
    assert [row.split(" | ")[0] for row in rows] == [f"| `{key}`" for key in SECTION]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in (head, rule, *rows)} == {5}


@pytest.mark.parametrize(
    ("default", "cell"),
    [("", ""), ([], ""), ({}, ""), ("2G", "`2G`"), (1, "`1`"), (False, "`false`"), (["a/8", "b"], "`a/8, b`")],
)
def test_a_default_is_shown_as_its_user_would_write_it(default: Any, cell: str) -> None:
    key = schema.Key(name="key", type="string", default=default, description="What it is.")
    assert schema.markdown_table({"key": key}).splitlines()[-1] == f"| `key` | string | {cell} | What it is. |"


def test_the_docs_are_up_to_date_with_the_settings() -> None:
    assert docs.main(check=True) == 0, "run `make docs`"


def test_a_stale_table_is_replaced_and_the_text_around_it_stays() -> None:
    text = f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n"
    assert docs.with_table(text, "new\n") == f"before\n{docs.BEGIN}\nnew\n{docs.END}\nafter\n"


@pytest.mark.parametrize("text", ["", docs.BEGIN, docs.END])
def test_a_page_without_the_marks_is_a_fault(text: str) -> None:
    with pytest.raises(ValueError, match="must both be there"):
        docs.with_table(text, "new\n")


def test_the_project_is_named_as_the_program_expects() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["name"] == "jupyterhub-swarm"
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": ".venv"}}
