"""States: when two values are the same for Docker, and what a state is after a create, an update or a read."""

from collections.abc import Mapping
from typing import Any

from standin.docker_fields import ApiField, ApiFields
from standin.fields import Kind
from standin.values import Properties, has_unknown


def is_empty(field: ApiField | None, value: Any) -> bool:
    """Absent, or the empty value of its kind. An object without fields is something: Docker knows it from none."""
    if field is not None and field.kind is Kind.OBJECT:
        return value is None
    return value is None or value is False or value in ("", 0) or value in ([], {})


def matches(field: ApiField | None, left: Any, right: Any) -> bool:
    """Whether two values are the same to Docker: left out is empty, and the order of an unordered list is nothing."""
    if is_empty(field, left) or is_empty(field, right):
        return is_empty(field, left) and is_empty(field, right)
    if field is not None and field.fields is not None and isinstance(left, Mapping) and isinstance(right, Mapping):
        return all(matches(part, left.get(name), right.get(name)) for name, part in field.fields.items())
    if field is not None and isinstance(left, list) and isinstance(right, list):
        if field.unordered:
            return unmatched(field, left, right) == unmatched(field, right, left) == []
        same_length = len(left) == len(right)
        return same_length and all(matches(field.items, *pair) for pair in zip(left, right, strict=True))
    return not has_unknown(left) and not has_unknown(right) and bool(left == right)


def unmatched(field: ApiField, values: list[Any], others: list[Any]) -> list[int]:
    """The indexes of the values of an unordered list that have no like among the others, each of which counts once."""
    rest, lonely = list(others), []
    for index, value in enumerate(values):
        partner = next((at for at, other in enumerate(rest) if matches(field.items, value, other)), None)
        if partner is None:
            lonely.append(index)
        else:
            del rest[partner]
    return lonely


def planned(fields: ApiFields, inputs: Mapping[str, Any], prior: Mapping[str, Any], undecided: Any = None) -> Properties:
    """What the object is to be: the inputs, and the prior state of fields that keep it when they are left out.

    `undecided` stands for those of them that have no prior state.
    """
    plan: Properties = {}
    for name, field in fields.items():
        given, before = inputs.get(name), prior.get(name)
        if given is None:
            given = (undecided if before is None else before) if field.keeps else None
        elif field.fields is not None and isinstance(given, Mapping):
            given = planned(field.fields, given, before if isinstance(before, Mapping) else {}, undecided)
        elif field.items is not None and field.items.fields is not None and isinstance(given, list):
            given = _planned_items(field, given, before if isinstance(before, list) else [], undecided)
        if given is not None:
            plan[name] = given
    return plan


def _planned_items(field: ApiField, given: list[Any], before: list[Any], undecided: Any) -> list[Any]:
    if field.unordered or field.items is None or field.items.fields is None:
        return given
    parts = field.items.fields
    return [
        planned(parts, item, before[index] if index < len(before) else {}, undecided) if isinstance(item, Mapping) else item
        for index, item in enumerate(given)
    ]


def applied(fields: ApiFields, found: Mapping[str, Any], plan: Mapping[str, Any]) -> Properties:
    """The state after a create or an update: what was read, but unordered lists as they were asked for.

    The vendor's plugin has it so: what Docker adds to such a list (a gateway, say) is seen at the next refresh only.
    """
    state = completed(fields, found, plan)
    for name, field in fields.items():
        value, wanted = state.get(name), plan.get(name)
        if field.unordered and wanted is not None:
            state[name] = wanted
        elif field.fields is not None and isinstance(value, Mapping) and isinstance(wanted, Mapping):
            state[name] = applied(field.fields, value, wanted)
    return state


def completed(fields: ApiFields, found: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
    """What was read, with the fields that the API never shows as they are known, and lists in the known order.

    The order keeps a state from changing where only Docker's order of labels or mounts did.
    """
    state = dict(found)
    for name, field in fields.items():
        value, before = state.get(name), known.get(name)
        if before is None:
            continue
        if not field.shown:
            state[name] = before
        elif field.unordered and isinstance(value, list) and isinstance(before, list):
            state[name] = _ordered(field, value, before)
        elif field.fields is not None and isinstance(value, Mapping) and isinstance(before, Mapping):
            state[name] = completed(field.fields, value, before)
    return state


def _ordered(field: ApiField, values: list[Any], known: list[Any]) -> list[Any]:
    rest, ordered = list(values), []
    for wanted in known:
        place = next((at for at, value in enumerate(rest) if matches(field.items, value, wanted)), None)
        if place is not None:
            ordered.append(rest.pop(place))
    return ordered + rest


def as_inputs(fields: ApiFields, old_inputs: Mapping[str, Any], state: Mapping[str, Any]) -> Properties:
    """The inputs that would make this state: those given before, with the values that are there now.

    Without old inputs (an import) they are every field that is neither empty nor at its default.
    """
    return _narrowed(fields, old_inputs, state) if old_inputs else _imported(fields, state)


def _narrowed(fields: ApiFields, old: Mapping[str, Any], state: Mapping[str, Any]) -> Properties:
    return {
        name: _narrowed_value(fields[name], value, state[name])
        for name, value in old.items()
        if name in fields and state.get(name) is not None
    }


def _narrowed_value(field: ApiField, old: Any, now: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(now, Mapping):
        if field.fields is not None:
            return _narrowed(field.fields, old, now)
        return {key: now[key] for key in old if key in now}
    if isinstance(old, list) and isinstance(now, list):
        if field.unordered:
            return [value for value in old if any(_agrees(field.items, value, found) for found in now)]
        items = field.items or field
        return [_narrowed_value(items, *pair) for pair in zip(old, now, strict=False)]
    return now


def _agrees(items: ApiField | None, given: Any, found: Any) -> bool:
    """Whether a found part of an unordered list has every value that was given for it."""
    if items is not None and items.fields is not None and isinstance(given, Mapping) and isinstance(found, Mapping):
        return all(matches(items.fields.get(name), value, found.get(name)) for name, value in given.items())
    return matches(items, given, found)


def _imported(fields: ApiFields, state: Mapping[str, Any]) -> Properties:
    inputs: Properties = {}
    for name, field in fields.items():
        value = state.get(name)
        if field.fields is not None and isinstance(value, Mapping):
            value = _imported(field.fields, value)
        if field.required or not (is_empty(field, value) or value == field.default):
            inputs[name] = value
    return inputs
