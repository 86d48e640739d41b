"""Values that look one way in a Pulumi program and another in the Docker API, each as a pair of pure functions.

The texts are those of the vendor's plugin, since a difference of form alone (`90s` for `1m30s`) is a difference to Pulumi.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final


@dataclass(frozen=True)
class Codec:
    """The way into the API and back."""

    to_api: Callable[[Any], Any]
    from_api: Callable[[Any], Any]


_NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Nanoseconds of a text such as `1m30s` or `500ms`. The empty text, a duration never set, is 0.

    Raises ValueError for anything else, a sign included: no duration here can be negative.
    """
    if text in ("", "0"):
        return 0
    total, position = Decimal(0), 0
    while position < len(text):
        part = _DURATION_PART.match(text, position)
        if part is None:
            raise ValueError(f"{text!r} is not a duration such as 500ms, 10s or 1m30s")
        total += Decimal(part.group(1)) * _NANOSECONDS[part.group(2)]
        position = part.end()
    return int(total)


def format_duration(nanoseconds: int) -> str:
    """The shortest text in hours, minutes and seconds, as Docker's own tools write it: `1h`, `1m30s`, `1.5ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if nanoseconds < 1000 * _NANOSECONDS[unit]:
            return f"{_decimal(nanoseconds, _NANOSECONDS[unit])}{unit}"
    hours, rest = divmod(nanoseconds, _NANOSECONDS["h"])
    minutes, rest = divmod(rest, _NANOSECONDS["m"])
    parts = [f"{hours}h"] if hours else []
    if minutes or (hours and rest):
        parts.append(f"{minutes}m")
    if rest:
        parts.append(f"{_decimal(rest, _NANOSECONDS['s'])}s")
    return "".join(parts)


def _decimal(value: int, unit: int) -> str:
    text = format(Decimal(value) / unit, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pairs(entries: Sequence[str]) -> dict[str, str]:
    """`KEY=value` lines as a map; what has no `=` maps to the empty text."""
    return {key: value for key, _, value in (entry.partition("=") for entry in entries)}


def _lines(pairs: Mapping[str, str]) -> list[str]:
    return [f"{key}={pairs[key]}" for key in sorted(pairs)]


def _labels_to_api(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {label["label"]: label["value"] for label in labels}


def _labels_from_api(labels: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"label": name, "value": value} for name, value in sorted((labels or {}).items())]


def _hosts_from_api(lines: Sequence[str] | None) -> list[dict[str, str]]:
    split = (line.partition(" ") for line in lines or ())
    return [{"ip": address, "host": host} for address, _, host in split]


def _preferences_from_api(preferences: Sequence[Mapping[str, Any]] | None) -> list[str]:
    return [preference["Spread"]["SpreadDescriptor"] for preference in preferences or ()]


def _generic_to_api(resources: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    named = _pairs(resources.get("namedResourcesSpecs") or ())
    counted = _pairs(resources.get("discreteResourcesSpecs") or ())
    return [
        *({"NamedResourceSpec": {"Kind": kind, "Value": value}} for kind, value in named.items()),
        *({"DiscreteResourceSpec": {"Kind": kind, "Value": int(value)}} for kind, value in counted.items()),
    ]


def _generic_from_api(resources: Sequence[Mapping[str, Any]] | None) -> dict[str, list[str]] | None:
    if not resources:
        return None
    named = (resource.get("NamedResourceSpec") for resource in resources)
    counted = (resource.get("DiscreteResourceSpec") for resource in resources)
    return {
        "namedResourcesSpecs": [f"{spec['Kind']}={spec['Value']}" for spec in named if spec],
        "discreteResourcesSpecs": [f"{spec['Kind']}={spec['Value']}" for spec in counted if spec],
    }


# A duration that Docker knows from one never set, and one that is simply 0 then.
DURATION: Final = Codec(parse_duration, lambda value: "" if value is None else format_duration(value))
PERIOD: Final = Codec(parse_duration, lambda value: format_duration(value or 0))
# A ratio is a text with one decimal in the vendor's plugin.
RATIO: Final = Codec(float, lambda value: f"{value or 0:.1f}")
LABELS: Final = Codec(_labels_to_api, _labels_from_api)
ENVIRONMENT: Final = Codec(_lines, lambda lines: _pairs(lines or ()))
HOSTS: Final = Codec(lambda hosts: [f"{host['ip']} {host['host']}" for host in hosts], _hosts_from_api)
PREFERENCES: Final = Codec(lambda texts: [{"Spread": {"SpreadDescriptor": text}} for text in texts], _preferences_from_api)
OPTION_LINES: Final = Codec(_pairs, lambda options: _lines(options or {}))
GENERIC_RESOURCES: Final = Codec(_generic_to_api, _generic_from_api)
# `global: true` is an empty object in the API, false is its absence.
PRESENCE: Final = Codec(lambda value: {} if value else None, lambda value: value is not None)
