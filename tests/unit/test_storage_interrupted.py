"""What runs on the node with the homes, killed at any step and run again, ends as if it had never been killed.

By storage/quotas.py, no home is ever used without its limit; the scripts leave the same files and units.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fake_quota import DEFAULT, Volume
from tests.unit.storage_host import CUT_OFF, OURS, StorageHost


class PowerCut(BaseException):
    """Ends a run as `kill -9` does: no handler runs."""


def cut(volume: Volume, monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], None]:
    """Let the power fail before the change number `after` (from 0) of the next run; returns how to restore it."""
    left = [after]

    def dying(do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return do(*arguments, **options)

        return step

    scope = pytest.MonkeyPatch()
    scope.setattr(volume.quota, "set", dying(volume.quota.set))
    scope.setattr(volume.kernel, "tag", dying(volume.kernel.tag))
    scope.setattr(Path, "rename", dying(Path.rename))
    return scope.undo


def test_a_run_that_is_killed_at_any_step_is_made_good_by_the_next(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    homes: list[str] = []
    for step in range(100):
        wanted = [f"user-{step}-{number}" for number in range(2)]
        volume.request(*wanted)
        homes += wanted
        restore = cut(volume, monkeypatch, step)
        try:
            volume.run()
        except PowerCut:
            restore()
            for home in volume.homes():  # whoever is in has a limit, also now
                assert volume.limits(home) == DEFAULT
            assert volume.run() == []
            volume.check(*homes)
        else:
            restore()
            volume.check(*homes)
            assert step >= 6  # two files, the limits, two numbers, two folders
            return
    pytest.fail("a run never ended")


SERVED = ("jupyterhub-quotas.path", "jupyterhub-quotas.timer", "nfs-server")


def blank(host: StorageHost) -> None:
    """A volume that has just been attached."""


def earlier(host: StorageHost) -> None:
    """A volume that an earlier version mounted, by its UUID."""
    host.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3", written="", mounted=OURS)
    host.fstab.write_text(f"UUID=1-2-3 {host.mount} xfs defaults,pquota,nofail,x-systemd.device-timeout=90 0 0\n")


def away(host: StorageHost) -> None:
    """A node on which the volume was away, and something was written in its place."""
    host.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3", written="")
    host.mount.mkdir(parents=True)
    (host.mount / "one").touch()
    (host.mount / "two").touch()


def served(host: StorageHost) -> None:
    """A node that serves the homes."""
    host.has(mounted=OURS)
    host.fstab.write_text("LABEL=root / ext4 defaults 0 1\n/dev/disk/by-id/virtio-1 /srv/homes xfs defaults 0 0\n")
    host.units("active", *SERVED)
    host.units("enabled", "jupyterhub-homes", "jupyterhub-backup.timer")


SCRIPTS: dict[str, tuple[Callable[[StorageHost], None], Callable[..., Any]]] = {
    "prepare, blank": (blank, StorageHost.prepare),
    "prepare, of an earlier version": (earlier, StorageHost.prepare),
    "prepare, written beneath": (away, StorageHost.prepare),
    "release": (served, StorageHost.release),
    "serve": (served, lambda host, cut=0: host.placed("serve-homes.sh", cut)),
    "install": (blank, lambda host, cut=0: host.placed("install.sh homes", cut)),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_is_killed_at_any_step_is_made_good_by_the_next_run(tmp_path: Path, name: str) -> None:
    begin, run = SCRIPTS[name]

    def host(folder: str) -> StorageHost:
        (tmp_path / folder).mkdir()
        made = StorageHost(tmp_path / folder)
        begin(made)
        return made

    whole = host("whole")
    done = run(whole)
    assert done.returncode == 0, done.stderr
    for step in range(1, 200):
        cut = host(f"cut-{step}")
        ended = run(cut, cut=step).returncode
        if ended == 0:
            assert step > 8  # else nothing was killed
            return
        assert ended == CUT_OFF
        again = run(cut)
        assert again.returncode == 0, f"killed at step {step}: {again.stderr}"
        assert cut.state() == whole.state(), f"killed at step {step}"
    pytest.fail("the script never ended")
