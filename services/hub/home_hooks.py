"""What the spawner does with homes: before a start, and on the page before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from docker.types import DriverConfig, Mount

from services.hub.full_volume import HomesVolume, full_volume_html, full_volume_text
from services.hub.home_volumes import NfsVolume, home_volume, shared_volume
from services.hub.homes import HomeError, Homes, Usage
from services.hub.owners import email_of
from services.hub.storage_watch import StorageWatch

HOME, SHARED = "/home/jovyan", "shared"
# Where Jupyter and IPython would write at their start, in a home that has no room for it: on the container's own disk. What
# the user has in these places is not seen until there is room again.
ELSEWHERE = {
    "JUPYTER_CONFIG_DIR": "/tmp/jupyter-config",  # noqa: S108  a container of one user
    "JUPYTER_DATA_DIR": "/tmp/jupyter-data",  # noqa: S108
    "IPYTHONDIR": "/tmp/ipython",  # noqa: S108
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
}


def before_start(homes: Homes, address: str, shared: bool, volume: HomesVolume) -> Callable[[Any], Awaitable[None]]:
    """The `pre_spawn_hook`: a home with a quota on the server at `address`, or a HomeError that the user can read.

    It sets the spawner's mounts; `shared` mounts the folder that all see, too. Like `form`, it is a plain function, since
    JupyterHub copies what it is configured with.
    """

    async def hook(spawner: Any) -> None:
        user = spawner.user
        full = await volume.full()
        try:
            home = await homes.ready(user.name, email_of(user.name, await user.get_auth_state()))
        except HomeError:
            if full:
                raise HomeError(full_volume_text()) from None
            raise
        mounts = [mount(home_volume(address, home), HOME)]
        if shared and await homes.place_for(home, SHARED):
            mounts.append(mount(shared_volume(address), f"{HOME}/{SHARED}", read_only=not user.admin))
        usage = await homes.usage(user.name)
        spawner.home_mounts = mounts
        spawner.home_environment = ELSEWHERE if full or (usage and usage.full) else {}

    return hook


def form(homes: Homes, watch: StorageWatch, volume: HomesVolume) -> Callable[[Any], Awaitable[str]]:
    """The `options_form`: the warning that a home is full, or the volume of all homes, or that the storage does not answer,
    with a button to start all the same; else nothing, and no page."""

    async def hook(spawner: Any) -> str:
        # What is known already is told at once; a look could take half a minute.
        if watch.trouble:
            return no_storage_html(watch.trouble)
        if await volume.full():  # then a home's own numbers say nothing
            return full_volume_html()
        try:
            usage = await homes.usage(spawner.user.name)
        except HomeError as error:
            return no_storage_html(error)
        return full_home_html(usage) if usage and usage.full else ""

    return hook


def mount(volume: NfsVolume, target: str, read_only: bool = False) -> Mount:
    """The volume in a container. Without `no_copy` Docker would copy the image's folder into it, as a user it is not."""
    return Mount(
        target=target,
        source=volume.name,
        type="volume",
        read_only=read_only,
        no_copy=True,
        driver_config=DriverConfig(name="local", options=volume.options),
    )


def full_home_html(usage: Usage) -> str:
    """What a user reads whose home is full."""
    mib = 1024**2
    return (
        '<div class="alert alert-warning" role="alert"><strong>Your home is full:</strong> '
        f"{usage.used / mib:,.0f} of {usage.limit / mib:,.0f} MiB, {usage.used_files:,} of {usage.limit_files:,} files. "
        "Your server starts and you can open and read everything, but nothing can be saved until you have deleted files. "
        "If you need more room, ask an administrator.</div>"
    )


def no_storage_html(error: HomeError) -> str:
    """What a user reads before a start that would fail."""
    return (
        f'<div class="alert alert-danger" role="alert"><strong>Your server cannot start now.</strong> '
        f"{error.jupyterhub_html_message} Your files are where they were.</div>"
    )
