"""The kinds of servers that people choose from: the setting `profiles`, each entry on top of the notebook* settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from components import rules
from components.image_source import ImageSource

FIELDS = (
    *("name", "description", "image", "cpuLimit", "cpuGuarantee"),
    *("memoryLimit", "memoryGuarantee", "nodeLabel", "gpu"),
)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kind of server. CPUs are cores, memory is bytes; `node_label` is `key==value` or empty; `gpus` are whole ones."""

    name: str
    description: str
    image: ImageSource
    cpu_limit: float
    cpu_guarantee: float
    memory_limit: int
    memory_guarantee: int
    node_label: str
    gpus: int

    @classmethod
    def parse(cls, values: dict[str, str], base: Profile) -> Profile:
        """Read an entry of the setting; what it leaves out is the base's. Raises ValueError with rule and remedy.

        A limit below the inherited guarantee lowers the guarantee too, and a guarantee above the inherited limit raises the
        limit: only what the entry itself says can contradict itself.
        """
        unknown = sorted(set(values) - set(FIELDS))
        if unknown:
            raise ValueError(f"has no entry {', '.join(unknown)}; it has {', '.join(FIELDS)}")
        if not values.get("name"):
            raise ValueError("needs a name, which people choose it by")
        cpus = _pair(values, "cpu", rules.cpus, (base.cpu_guarantee, base.cpu_limit))
        memory = _pair(values, "memory", rules.size, (base.memory_guarantee, base.memory_limit))
        return cls(
            name=values["name"],
            description=values.get("description", ""),
            image=_field(values, "image", ImageSource.parse, base.image),
            cpu_guarantee=cpus[0],
            cpu_limit=cpus[1],
            memory_guarantee=memory[0],
            memory_limit=memory[1],
            node_label=_field(values, "nodeLabel", _constraint, base.node_label),
            gpus=_field(values, "gpu", rules.whole_number(0, 16), base.gpus),
        )

    def render(self) -> dict[str, Any]:
        """As the hub reads it in settings.json (services/hub/profiles.py)."""
        return {**vars(self), "image": self.image.reference}


def images(profiles: Iterable[Profile]) -> list[ImageSource]:
    """The images that nodes must have, each once, in the order of the profiles."""
    return list({profile.image.reference: profile.image for profile in profiles}.values())


def twice(profiles: Iterable[Profile]) -> list[str]:
    """Names that more than one profile has."""
    names = [profile.name for profile in profiles]
    return sorted({name for name in names if names.count(name) > 1})


def label(text: str) -> str:
    """A node label `key=value`, which goes into shell lines and placement constraints."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*=[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError("must be a label such as gpu=a100 (letters, digits, dots and dashes)")
    return text


def labels(text: str) -> tuple[str, ...]:
    """Labels of a node, separated by commas or blanks."""
    return tuple(label(word) for word in re.split(r"[,\s]+", text) if word)


def _constraint(text: str) -> str:
    return label(text).replace("=", "==", 1)


def _pair(values: dict[str, str], kind: str, rule: Any, inherited: tuple[Any, Any]) -> tuple[Any, Any]:
    """Guarantee and limit of one kind."""
    low, high = f"{kind}Guarantee", f"{kind}Limit"
    guarantee, limit = _field(values, low, rule, None), _field(values, high, rule, None)
    if guarantee is not None and limit is not None and guarantee > limit:
        raise ValueError(f"has a {low} above its {high}; lower it or raise the limit")
    if limit is None:
        limit = max(inherited[1], guarantee or inherited[1])
    return (min(inherited[0], limit) if guarantee is None else guarantee), limit


def _field(values: dict[str, str], name: str, rule: Any, default: Any) -> Any:
    if name not in values:
        return default
    try:
        return rule(values[name])
    except ValueError as error:
        raise ValueError(f"has {name} {values[name]!r}, which {error}") from None
