"""The kinds of servers that people choose from: on the spawn page, and what a choice means for the spawner."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from services.hub.start_errors import StartError, gib

if TYPE_CHECKING:
    from services.hub.swarm_spawner import NotebookSpawner

# As components/profiles.py renders it: name, description, image, cpu_limit, cpu_guarantee (cores), memory_limit,
# memory_guarantee (bytes), node_label (key==value, or empty), gpus.
Profile = dict[str, Any]


def apply(spawner: NotebookSpawner, name: str | None) -> None:
    """Make the spawner's next server one of the named kind; the first where none is named. Raises StartError.

    Where there is no choice, it stays as it is configured, and what a user chose before is of no account.
    """
    if len(spawner.profiles) > 1:
        for trait, value in traits(chosen(spawner.profiles, name)).items():
            setattr(spawner, trait, value)


def traits(profile: Profile) -> dict[str, Any]:
    """What the kind is to the spawner."""
    return {
        "image": profile["image"],
        "cpu_limit": profile["cpu_limit"],
        "cpu_guarantee": profile["cpu_guarantee"],
        "mem_limit": profile["memory_limit"],
        "mem_guarantee": profile["memory_guarantee"],
        "node_label": profile["node_label"],
        "gpus": profile["gpus"],
    }


def chosen(profiles: Sequence[Profile], name: str | None) -> Profile:
    """The profile of that name, or the first. Raises StartError where there is none of that name."""
    if not name:
        return profiles[0]
    for profile in profiles:
        if profile["name"] == name:
            return profile
    names = ", ".join(str(profile["name"]) for profile in profiles)
    raise StartError(f"There is no kind of server named {name!r}; there are: {names}. Please choose one of them.")


def from_form(form: dict[str, list[str]]) -> dict[str, str]:
    """The spawner's options of what the page (or the query of a link) sent."""
    return {"profile": form["profile"][0]} if form.get("profile") else {}


def form(spawner: NotebookSpawner) -> str:
    """The choice as HTML, the last one of this user's marked; nothing where there is no choice."""
    profiles = spawner.profiles
    if len(profiles) < 2:
        return ""
    last = spawner.user_options.get("profile")
    marked = next((profile for profile in profiles if profile["name"] == last), profiles[0])
    choices = "".join(_choice(profile, number, profile is marked) for number, profile in enumerate(profiles))
    return f'<fieldset class="mb-3"><legend>Choose a server</legend>{choices}</fieldset>'


def _choice(profile: Profile, number: int, checked: bool) -> str:
    name, told = html.escape(profile["name"]), html.escape(profile["description"])
    about = f"<br>{told}" if told else ""
    return (
        f'<div class="form-check"><input class="form-check-input" type="radio" name="profile" id="profile-{number}" '
        f'value="{name}"{" checked" if checked else ""}><label class="form-check-label" for="profile-{number}">'
        f'<strong>{name}</strong> <span class="text-muted">{html.escape(limits(profile))}</span>{about}</label></div>'
    )


def limits(profile: Profile) -> str:
    """What a server of this kind may use, for people."""
    gpus = profile["gpus"]
    more = f", {gpus} GPU{'s' * (gpus > 1)}" if gpus else ""
    return f"up to {profile['cpu_limit']:.3g} CPUs, {gib(profile['memory_limit'])} of memory{more}"


def page(*parts: Callable[[Any], Awaitable[str] | str]) -> Callable[[Any], Coroutine[Any, Any, str]]:
    """The `options_form` of several parts: those that have something to say, one below the other; no page where none has.

    A plain function, since JupyterHub copies what it is configured with.
    """

    async def show(spawner: Any) -> str:
        texts = []
        for part in parts:
            told = part(spawner)
            texts.append(told if isinstance(told, str) else await told)
        return "".join(texts)

    return show
