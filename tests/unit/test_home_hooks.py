"""services/hub/home_hooks.py: what a spawner mounts and what its user reads, for each state of a home."""

from __future__ import annotations

import asyncio
import copy
from types import SimpleNamespace
from typing import Any

import pytest

from services.hub import home_hooks
from services.hub.home_volumes import home_volume, shared_volume
from services.hub.homes import HomeError, Usage

MIB = 1024**2
EMPTY = Usage(used=0, limit=200 * MIB, used_files=1, limit_files=25600)
FULL = Usage(used=200 * MIB, limit=200 * MIB, used_files=12345, limit_files=25600)
SERVER = "10.20.0.10"


class FakeHomes:
    """Homes as the hooks ask for them."""

    def __init__(self, usage: Usage | None = EMPTY, place: bool = True) -> None:
        self._usage, self._place = usage, place
        self.asked: list[tuple[str, str]] = []

    async def ready(self, user: str, email: str) -> str:
        self.asked.append((user, email))
        return f"home-of-{user}"

    async def usage(self, user: str) -> Usage | None:
        if not self._usage:
            raise HomeError("The storage of the homes does not answer")
        return self._usage

    async def place_for(self, home: str, name: str) -> bool:
        return self._place


class FakeVolume:
    """The volume of all homes."""

    def __init__(self, full: bool = False) -> None:
        self._full = full

    async def full(self) -> bool:
        return self._full


def started(homes: FakeHomes, *, shared: bool = False, admin: bool = False, state: Any = None, full: bool = False) -> Any:
    """The spawner of Ada after the hook."""

    async def auth_state() -> Any:
        return state

    spawner = SimpleNamespace(user=SimpleNamespace(name="ada", admin=admin, get_auth_state=auth_state))
    hook: Any = home_hooks.before_start(homes, SERVER, shared, FakeVolume(full))  # type: ignore[arg-type]
    asyncio.run(hook(spawner))
    return spawner


def test_a_start_mounts_the_users_home_and_nothing_else() -> None:
    (mount,) = started(FakeHomes()).home_mounts
    expected = home_volume(SERVER, "home-of-ada")
    assert (mount["Source"], mount["Target"], mount["Type"], mount["ReadOnly"]) == (
        expected.name,
        "/home/jovyan",
        "volume",
        False,
    )
    assert mount["VolumeOptions"] == {"NoCopy": True, "DriverConfig": {"Name": "local", "Options": expected.options}}


def test_the_owner_is_recorded_with_the_address_of_the_sign_in_service() -> None:
    homes = FakeHomes()
    started(homes, state={"email": "ada@example.org"})
    assert homes.asked == [("ada", "ada@example.org")]


@pytest.mark.parametrize(("admin", "read_only"), [(True, False), (False, True)])
def test_the_shared_folder_is_writable_for_admins_only(admin: bool, read_only: bool) -> None:
    _, mount = started(FakeHomes(), shared=True, admin=admin).home_mounts
    assert (mount["Source"], mount["Target"]) == (shared_volume(SERVER).name, "/home/jovyan/shared")
    assert mount["ReadOnly"] is read_only


def test_without_a_place_for_it_the_shared_folder_is_left_out_and_the_server_starts() -> None:
    assert len(started(FakeHomes(place=False), shared=True).home_mounts) == 1


def test_a_home_with_room_is_used_for_everything() -> None:
    assert started(FakeHomes()).home_environment == {}


def test_with_a_full_home_all_that_is_written_at_a_start_goes_elsewhere() -> None:
    environment = started(FakeHomes(FULL)).home_environment
    assert {"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"}.issubset(environment)
    assert all(value.startswith("/tmp/") for value in environment.values())


def test_on_a_full_volume_all_that_is_written_at_a_start_goes_elsewhere_though_the_home_has_room() -> None:
    assert "JUPYTER_CONFIG_DIR" in started(FakeHomes(), full=True).home_environment


class NoHomes(FakeHomes):
    """No home can be made."""

    async def ready(self, user: str, email: str) -> str:
        raise HomeError("The storage of the homes does not answer (No space left on device). Please try again in a minute.")


def test_whom_no_home_can_be_made_for_on_a_full_volume_reads_that_it_is_full() -> None:
    with pytest.raises(HomeError) as failed:
        started(NoHomes(), full=True)
    assert "The disk that holds everybody's homes is full" in str(failed.value.jupyterhub_message)
    with pytest.raises(HomeError) as failed:
        started(NoHomes())
    assert "does not answer" in str(failed.value.jupyterhub_message)


def form(homes: FakeHomes, trouble: HomeError | None = None, full: bool = False) -> str:
    """What is on the page before Ada's start; `trouble` is what is known of the storage already, `full` of the volume."""
    watch = SimpleNamespace(trouble=trouble)
    hook: Any = home_hooks.form(homes, watch, FakeVolume(full))  # type: ignore[arg-type]
    return str(asyncio.run(hook(SimpleNamespace(user=SimpleNamespace(name="ada")))))


@pytest.mark.parametrize("usage", [EMPTY, FULL])
def test_on_a_full_volume_the_page_before_the_start_says_so_and_not_that_the_home_is_full(usage: Usage) -> None:
    text = form(FakeHomes(usage), full=True)
    assert "The disk that holds everybody's homes is full" in text
    assert "Your home is full" not in text


def test_a_user_with_room_sees_no_page_before_the_start() -> None:
    assert form(FakeHomes()) == ""


def test_a_user_whose_home_is_full_reads_so_with_the_numbers_and_what_to_do() -> None:
    text = form(FakeHomes(FULL))
    for part in ("Your home is full", "200 of 200 MiB", "12,345 of 25,600 files", "until you have deleted files"):
        assert part in text


def test_a_storage_that_does_not_answer_is_told_on_the_page_before_the_start() -> None:
    text = form(FakeHomes(None))
    assert "Your server cannot start now.</strong> The storage of the homes does not answer" in text


def test_a_storage_that_is_known_not_to_answer_is_not_waited_for() -> None:
    homes = FakeHomes()
    homes.usage = None  # type: ignore[assignment, method-assign]
    assert "cannot start now.</strong> not &lt;mounted&gt; Your files are where they were." in form(
        homes, HomeError("not <mounted>")
    )


def test_the_hooks_can_be_copied_as_jupyterhub_copies_its_configuration() -> None:
    hooks = [home_hooks.before_start(FakeHomes(), SERVER, True, None), home_hooks.form(FakeHomes(), None, None)]  # type: ignore[arg-type]
    assert copy.deepcopy(hooks) == hooks


@pytest.mark.parametrize(
    ("used", "files", "full"),
    [(0, 1, False), (199 * MIB, 1, False), (199 * MIB + 1, 1, True), (200 * MIB, 1, True), (0, 100, True), (0, 99, False)],
)
def test_a_home_is_full_without_room_for_a_mebibyte_or_for_a_file(used: int, files: int, full: bool) -> None:
    assert Usage(used=used, limit=200 * MIB, used_files=files, limit_files=100).full is full
