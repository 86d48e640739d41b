"""Checks, diffs and values of the provider base of the stand-ins."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2
from standin.values import UNKNOWN, Archive, Asset
from standin.wire import decode, encode

from tests.unit.standin_engine import Caller, running
from tests.unit.standin_toy import TOKEN, Thing, ToyConfig

SECRET = "very-secret-value"
DIFF = provider_pb2.PropertyDiff


@pytest.fixture
def caller() -> Iterator[Caller]:
    with running(ToyConfig(), [Thing()]) as running_caller:
        yield running_caller


def test_a_check_adds_defaults_and_keeps_secrets_and_unknowns(caller: Caller) -> None:
    news = {"name": UNKNOWN, "nested": {"inner": SECRET}, "password": SECRET}
    answer = caller.check(TOKEN, news, [("nested", "inner")])
    checked = decode(answer.inputs)
    assert not answer.failures
    assert checked.values == {**news, "size": 3}
    assert checked.secrets == {("nested", "inner"), ("password",)}


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"name": "n", "colour": "red"}, "colour", "does not know this field"),
        ({"name": "n", "nested": {"colour": "red"}}, "nested.colour", "does not know this field"),
        ({"size": 1}, "name", "missing"),
        ({"name": "n", "size": 1.5}, "size", "must be a whole number, not a number"),
        ({"name": "n", "size": True}, "size", "must be a whole number, not true or false"),
        ({"name": "n", "tags": ["a", 2]}, "tags[1]", "must be a text, not a number"),
        ({"name": "n", "mode": "sing"}, "mode", "must be one of echo, fail"),
        ({"name": "n", "file": "path"}, "file", "must be an asset or archive, not a text"),
    ],
)
def test_a_wrong_input_fails_by_its_path_and_rule(caller: Caller, inputs: dict[str, Any], path: str, reason: str) -> None:
    failures = caller.check(TOKEN, inputs).failures
    assert [failure.property for failure in failures] == [path]
    assert reason in failures[0].reason


def test_an_unknown_field_error_names_the_type_and_says_what_to_do(caller: Caller) -> None:
    reason = caller.check(TOKEN, {"name": "n", "colour": "red"}).failures[0].reason
    assert TOKEN in reason and "vendor's plugin" in reason and "lab/plugins/standin" in reason


def test_a_diff_names_every_changed_path_and_what_it_means(caller: Caller) -> None:
    old = {"name": "a", "size": 1, "tags": ["x", "y"], "nested": {"inner": "i"}, "free": {"a.b": 1}}
    new = {"name": "b", "tags": ["x", "z", "w"], "nested": {"inner": UNKNOWN}, "free": {"a.b": 2}, "mode": "echo"}
    answer = caller.diff(TOKEN, old, new)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert {path: part.kind for path, part in answer.detailedDiff.items()} == {
        "name": DIFF.UPDATE_REPLACE,
        "size": DIFF.DELETE,
        "mode": DIFF.ADD,
        "tags[1]": DIFF.UPDATE,
        "tags[2]": DIFF.ADD,
        "nested.inner": DIFF.UPDATE,
        'free["a.b"]': DIFF.UPDATE,
    }
    assert list(answer.replaces) == ["name"]
    assert list(answer.diffs) == ["free", "mode", "name", "nested", "size", "tags"]


def test_equal_inputs_have_no_diff_whatever_their_secrecy(caller: Caller) -> None:
    same = {"name": "a", "file": Asset(text="t", hash="h"), "tags": ["x"], "size": 1}
    answer = caller.diff(TOKEN, same, {**same, "file": Asset(path="elsewhere", hash="h")}, [("name",)])
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_ignored_changes_are_no_changes(caller: Caller) -> None:
    answer = caller.diff(TOKEN, {"name": "a", "nested": {"inner": "1"}}, {"name": "a"}, ignored=["nested"])
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_change_inside_a_secret_is_told_as_one_of_the_whole(caller: Caller) -> None:
    answer = caller.diff(TOKEN, {"name": "a", "nested": {"inner": "1"}}, {"name": "a", "nested": {"inner": "2"}}, [("nested",)])
    assert set(answer.detailedDiff) == {"nested"}


def test_values_survive_the_way_there_and_back() -> None:
    values = {
        "text": "t",
        "number": 1.5,
        "whole": 7,
        "yes": True,
        "list": [1, "a", [UNKNOWN]],
        "map": {"key with space": {"deep": []}},
        "asset": Asset(text="", hash="h"),
        "archive": Archive(assets={"a": Asset(path="p")}, hash="h"),
    }
    secrets = {("text",), ("list", 2, 0), ("map", "key with space")}
    decoded = decode(encode(values, secrets))
    assert decoded.values == values
    assert decoded.secrets == secrets


def test_output_values_and_notes_of_the_engine_are_understood() -> None:
    sign = "4dabf18193072939515e22adb298388d"
    output = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
    struct = struct_pb2.Struct()
    struct.update(
        {
            "known": {sign: output, "value": "v", "secret": True, "dependencies": ["urn"]},
            "unknown": {sign: output},
            "flag": "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
            "nothing": None,
            "__defaults": [],
        }
    )
    decoded = decode(struct)
    assert decoded.values == {"known": "v", "unknown": UNKNOWN, "flag": UNKNOWN}
    assert decoded.secrets == {("known",)}
