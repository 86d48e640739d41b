"""services/hub/homes.py on a folder that plays the NFS mount, with a hand that plays the storage node."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.hub.home_names import home_of
from services.hub.homes import HomeError, Homes, Usage
from services.hub.owners import Owners
from tests.unit.storage_node import StorageNode

MIB = 1024**2


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[StorageNode]:
    """The storage node, at work."""
    made = StorageNode(tmp_path)
    yield made
    made.close()


@pytest.fixture
def homes(node: StorageNode) -> Homes:
    """The hub's view, in a hurry."""
    return Homes(node.folder, answer_s=2, quota_s=2, look_s=0.005)


def test_a_first_start_makes_the_home_and_records_its_owner(homes: Homes, node: StorageNode) -> None:
    home = asyncio.run(homes.ready("Ada L.", "ada@example.org"))
    assert home == home_of("Ada L.")
    assert node.homes() == {home}
    owner = Owners(node.folder / "hub").read()[home]
    assert (owner.name, owner.email, owner.first_seen) == ("Ada L.", "ada@example.org", time.strftime("%Y-%m-%d", time.gmtime()))


def test_a_later_start_finds_the_home_without_the_storage_node(homes: Homes, node: StorageNode) -> None:
    asyncio.run(homes.ready("ada", ""))
    (node.folder / "users" / "ada" / "file").touch()
    node.stopped = True
    assert asyncio.run(homes.ready("ada", "")) == "ada"
    assert (node.folder / "users" / "ada" / "file").exists()


def test_thirty_users_at_once_get_thirty_homes_and_are_all_recorded(homes: Homes, node: StorageNode) -> None:
    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(homes.ready(f"user-{number}", "") for number in range(30)))

    made = asyncio.run(all_at_once())
    assert node.homes() == set(made) == set(Owners(node.folder / "hub").read())
    assert len(made) == 30


def failing(start: Callable[[], object]) -> str:
    """What the user reads when a start fails."""
    with pytest.raises(HomeError) as failed:
        start()
    return str(failed.value.jupyterhub_message)


def test_a_home_without_a_quota_is_no_home_and_the_user_reads_the_storages_own_reason(homes: Homes, node: StorageNode) -> None:
    node.stopped, homes._quota_s = True, 0.05
    (node.folder / "status.json").write_text(json.dumps({"time": 1, "problems": ["xfs_quota: no such device"]}))
    assert failing(lambda: asyncio.run(homes.ready("ada", ""))) == (
        "Your home got no quota within 0 s: xfs_quota: no such device. Please tell an administrator."
    )


def test_who_waits_reads_of_the_own_homes_fault_and_of_nobody_elses(homes: Homes, node: StorageNode) -> None:
    node.stopped, homes._quota_s = True, 0.05
    faults = {"ada": "cannot become a home: a folder of that name is there", "ben": "cannot be counted: Input/output error"}
    lines = [f"/srv/homes/users/{home} {fault}" for home, fault in faults.items()]
    told = {"time": 1, "problems": lines, "all": [], "homes": faults}
    (node.folder / "status.json").write_text(json.dumps(told))
    assert f"within 0 s: {faults['ada']}." in failing(lambda: asyncio.run(homes.ready("ada", "")))
    assert "ben" not in failing(lambda: asyncio.run(homes.ready("eve", "")))


def test_a_storage_node_that_never_looked_is_told_as_such(homes: Homes, node: StorageNode) -> None:
    node.stopped, homes._quota_s = True, 0.05
    assert "the storage node has not looked at it" in failing(lambda: asyncio.run(homes.ready("ada", "")))


def test_an_interrupted_start_is_made_good_by_the_next(homes: Homes, node: StorageNode) -> None:
    node.stopped, homes._quota_s = True, 0.05
    failing(lambda: asyncio.run(homes.ready("ada", "")))
    node.stopped, homes._quota_s = False, 2
    assert asyncio.run(homes.ready("ada", "")) == "ada"


def test_a_storage_that_hangs_keeps_the_user_no_longer_than_the_limit(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    homes._answer_s = 0.05
    released = threading.Event()
    monkeypatch.setattr(Owners, "record", lambda *_: released.wait(5))
    began = time.monotonic()

    def start() -> None:
        try:
            asyncio.run(homes.ready("ada", ""))
        finally:
            released.set()

    assert "does not answer (no answer within 0 s). Please try again" in failing(start)
    assert time.monotonic() - began < 2


def test_a_storage_that_fails_is_told_with_the_systems_reason(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Owners, "record", broken)
    assert "does not answer (Input/output error)" in failing(lambda: asyncio.run(homes.ready("ada", "")))


def test_a_home_of_another_user_is_never_given_away(homes: Homes, node: StorageNode) -> None:
    Owners(node.folder / "hub").record("ada", "somebody else", "", "2026-01-01")
    assert "belongs to somebody else" in failing(lambda: asyncio.run(homes.ready("ada", "")))
    assert node.homes() == set()


def test_on_a_volume_that_is_full_a_new_address_keeps_nobody_out_of_a_home(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(homes.ready("ada", ""))

    def no_room(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Owners, "_write", no_room)
    assert asyncio.run(homes.ready("ada", "ada@example.org")) == "ada"


def test_the_empty_folder_that_the_storage_is_mounted_on_is_not_taken_for_homes(tmp_path: Path) -> None:
    away = Homes(tmp_path, answer_s=2, quota_s=2)
    sentence = "The storage of the homes does not answer (it is not mounted). Please try again in a minute."
    assert failing(lambda: asyncio.run(away.ready("ada", ""))) == sentence
    assert failing(lambda: asyncio.run(away.usage("ada"))) == sentence
    assert failing(lambda: asyncio.run(away.answer())) == sentence
    assert names(tmp_path) == []


def test_an_error_of_the_storage_is_not_taken_for_a_home_that_is_missing(
    homes: Homes, node: StorageNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(homes.ready("ada", ""))
    look = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if path == node.folder / "users" / "ada":
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    assert "does not answer (Connection timed out)" in failing(lambda: asyncio.run(homes.ready("ada", "")))
    assert names(node.folder / "new") == []


def test_usage_is_what_the_quota_counts(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(homes.ready("ada", ""))
    found = SimpleNamespace(f_blocks=51200, f_bfree=1200, f_frsize=4096, f_files=25600, f_ffree=600)
    monkeypatch.setattr("os.statvfs", lambda _: found)
    assert asyncio.run(homes.usage("ada")) == Usage(used=50000 * 4096, limit=200 * MIB, used_files=25000, limit_files=25600)


def test_a_user_without_a_home_has_no_usage(homes: Homes) -> None:
    assert asyncio.run(homes.usage("ada")) is None


def test_a_place_to_mount_on_is_made_in_the_home(homes: Homes, node: StorageNode) -> None:
    home = asyncio.run(homes.ready("ada", ""))
    assert asyncio.run(homes.place_for(home, "shared"))
    assert (node.folder / "users" / "ada" / "shared").is_dir()
    assert asyncio.run(homes.place_for(home, "shared"))


def test_where_the_user_put_something_else_there_is_no_place(homes: Homes, node: StorageNode) -> None:
    home = asyncio.run(homes.ready("ada", ""))
    (node.folder / "users" / "ada" / "shared").symlink_to("/etc")
    assert not asyncio.run(homes.place_for(home, "shared"))


def test_a_home_without_room_has_no_place_and_keeps_nobody_out(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    home = asyncio.run(homes.ready("ada", ""))

    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "mkdir", no_room)
    assert not asyncio.run(homes.place_for(home, "shared"))


def refuse_folders(times: int, reason: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next `times` folders not be made, for a reason."""
    make, left = Path.mkdir, [reason] * times

    def mkdir(path: Path, *arguments: object, **options: object) -> None:
        if left:
            raise OSError(left[0], os.strerror(left.pop()))
        make(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)


def test_a_stale_handle_is_tried_again(homes: Homes, node: StorageNode, monkeypatch: pytest.MonkeyPatch) -> None:
    home = asyncio.run(homes.ready("ada", ""))
    refuse_folders(2, errno.ESTALE, monkeypatch)
    assert asyncio.run(homes.place_for(home, "shared"))
    assert (node.folder / "users" / "ada" / "shared").is_dir()


def test_a_storage_that_refuses_for_another_reason_says_which(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    home = asyncio.run(homes.ready("ada", ""))
    refuse_folders(9, errno.EIO, monkeypatch)
    with pytest.raises(HomeError, match=os.strerror(errno.EIO)):
        asyncio.run(homes.place_for(home, "shared"))
