"""Reads the raw text of config values by the rules, and gathers what is refused, so that all of it is reported together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from components.schema import Key

_QUOTED = (
    "must be one value; a name with dots stands in quotes: pulumi config set --path '{name}[\"NAME\"]' VALUE, "
    "after pulumi config rm --path '{name}[\"{key}\"]'"
)


class Reader:
    """Turns the raw text of config values into Python values and gathers what is wrong with them."""

    def __init__(self, get: Callable[[str], str | None], keys: Mapping[str, Key]) -> None:
        self._get, self._keys = get, keys
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        raw = self._get(name)
        return str(self._keys[name].default) if raw is None else raw.strip()

    def strings(self, name: str) -> list[str]:
        raw = self._get(name)
        try:
            values = self._keys[name].default if raw is None else json.loads(raw)
        except ValueError:
            values = None
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return [value.strip() for value in values]
        self._refuse(name, raw, f"must be a list of strings: pulumi config set --path '{name}[0]' VALUE")
        return []

    def checked(self, name: str, rule: Callable[[str], Any], fallback: Any = "") -> Any:
        """The value that `rule` makes of the text; a ValueError of it is noted, and `fallback` stands in until the report."""
        raw = self.text(name)
        try:
            return rule(raw)
        except ValueError as error:
            self._refuse(name, raw, str(error))
            return fallback

    def each(self, name: str, rule: Callable[[str], str]) -> Iterator[str]:
        for value in self.strings(name):
            try:
                yield rule(value)
            except ValueError as error:
                self._refuse(name, value, str(error))

    def names(self, name: str, rule: Callable[[str], str]) -> tuple[str, ...]:
        """The names of a list, by the rule."""
        return tuple(self._distinct(name, self.strings(name), rule))

    def entries(self, name: str, rule: Callable[[str], Any], key_rule: Callable[[str], str] = str) -> Iterator[tuple[str, Any]]:
        """The entries of an object, each name by `key_rule`, each value by the rule; what is refused is left out."""
        written = self._object(name)
        for made, key in self._distinct(name, written, key_rule).items():
            if isinstance(written[key], dict):  # `--path homeQuotas.ada@example.org` makes an entry `ada@example` of entries
                self._refuse(f"{name}.{key}", str(written[key]), _QUOTED.format(name=name, key=key))
                continue
            try:
                yield made, rule(str(written[key]).strip())
            except ValueError as error:
                self._refuse(f"{name}.{key}", str(written[key]), str(error))

    def _distinct(self, name: str, written: Iterable[str], rule: Callable[[str], str]) -> dict[str, str]:
        """What the rule makes of each text -> the text. Two that become the same are refused: one of them would count for
        nothing."""
        made: dict[str, str] = {}
        for text in written:
            try:
                one = rule(text)
            except ValueError as error:
                self._refuse(name, text, str(error))
                continue
            if one in made:
                self._refuse(name, text, f"is the same name as {made[one]!r}: the hub knows both as {one}; remove one of them")
            made.setdefault(one, text)
        return made

    def whole(self, name: str, rule: Callable[[dict[str, str]], Any]) -> Any:
        """What the rule makes of an object, None where that is empty or refused."""
        values = {key: str(value).strip() for key, value in self._object(name).items()}
        try:
            return rule(values) if values else None
        except ValueError as error:
            self._refuse(name, json.dumps(values), str(error))
            return None

    def objects(self, name: str, rule: Callable[[dict[str, str]], Any]) -> Iterator[Any]:
        """What the rule makes of each object of a list; what is refused is left out."""
        raw = self._get(name)
        try:
            values = self._keys[name].default if raw is None else json.loads(raw)
        except ValueError:
            values = None
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self._refuse(name, raw, f"must be a list of objects: pulumi config set --path '{name}[0].name' VALUE")
            return
        for number, value in enumerate(values):
            try:
                yield rule({key: str(text).strip() for key, text in value.items()})
            except ValueError as error:
                self._refuse(f"{name}[{number}]", json.dumps(value), str(error))

    def structure(self, name: str) -> dict[str, Any]:
        """An object as it was written, for rules that look at other settings, too; empty where it is refused."""
        return self._object(name)

    def _object(self, name: str) -> dict[str, Any]:
        raw = self._get(name)
        try:
            values = self._keys[name].default if raw is None else json.loads(raw)
        except ValueError:
            values = None
        if isinstance(values, dict):
            return values
        self._refuse(name, raw, f"must be an object: pulumi config set --path '{name}[\"NAME\"]' VALUE")
        return {}

    def _refuse(self, name: str, value: str | None, reason: str) -> None:
        self.problems.append(f"{name}: {value!r} {reason}")
