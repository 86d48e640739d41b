"""services/hub/home_volumes.py: how Docker mounts homes, for the hub and for notebooks."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from services.hub.home_names import home_of
from services.hub.home_volumes import HUB_OPTIONS, home_volume, shared_volume

SERVER = "10.20.0.10"


def options(text: str) -> set[str]:
    """The single mount options."""
    return set(text.split(","))


def test_a_notebook_mounts_just_its_own_home() -> None:
    assert home_volume(SERVER, "ada").options == {
        "type": "nfs",
        "o": "addr=10.20.0.10,nfsvers=4.2,hard,timeo=150,retrans=2,nconnect=4,noatime,nosuid,nodev",
        "device": ":/srv/homes/users/ada",
    }


def test_all_share_one_folder() -> None:
    assert shared_volume(SERVER).options["device"] == ":/srv/homes/shared"


def test_the_hub_never_hangs_with_the_storage_and_looks_at_it_each_time() -> None:
    assert {"softerr", "lookupcache=none", "actimeo=0"}.issubset(options(HUB_OPTIONS))
    assert "hard" not in options(HUB_OPTIONS)


def test_everything_is_mounted_by_the_newest_version_and_without_privileges() -> None:
    for text in (home_volume(SERVER, "ada").options["o"], shared_volume(SERVER).options["o"], HUB_OPTIONS):
        assert {"nfsvers=4.2", "nosuid", "nodev"}.issubset(options(text))


def test_other_options_make_a_volume_of_another_name_since_a_node_keeps_those_that_it_has() -> None:
    names = {home_volume(SERVER, "ada").name, home_volume("10.20.0.9", "ada").name, home_volume(SERVER, "bob").name}
    assert len(names) == 3
    assert home_volume(SERVER, "ada").name == home_volume(SERVER, "ada").name


@given(st.text(min_size=1, max_size=200))
def test_every_user_gets_a_volume_with_a_name_that_docker_takes(user: str) -> None:
    volume = home_volume(SERVER, home_of(user))
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,199}", volume.name)
    assert re.fullmatch(r":/srv/homes/users/[a-z0-9][a-z0-9._-]*", volume.options["device"])
