"""What the door does before it asks a CA, and when it asks it."""

from __future__ import annotations

import io
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from images.proxy.door import acme, certbot, pace
from images.proxy.door.acme import Acme
from images.proxy.door.certificate import Pair
from images.proxy.door.reach import Obstacle
from images.proxy.door.settings import Settings
from images.proxy.door.trouble import Trouble
from tests.unit.door_pairs import NAME, made

SETTINGS = Settings(https="letsencrypt", domain=NAME, address="127.0.0.1", acme_server="https://ca.example.org/directory")


class World:
    """What is in the way, what the CA answers, and the time."""

    def __init__(self) -> None:
        self.now = time.time()
        self.obstacle: Obstacle | None = None
        self.answers: list[Pair | Exception] = []
        self.directory = "{}"
        self.error: Exception | None = None
        self.asked = 0

    def issue(self, _: Settings) -> Pair:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A world that acme.py lives in."""
    made_up = World()

    def urlopen(*_: object, **__: object) -> io.BytesIO:
        if made_up.error:
            raise made_up.error
        return io.BytesIO(made_up.directory.encode())

    monkeypatch.setattr(acme, "STATE", tmp_path)
    monkeypatch.setattr(acme, "obstacle", lambda *_: made_up.obstacle)
    monkeypatch.setattr(certbot, "issue", made_up.issue)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    clock = SimpleNamespace(time=lambda: made_up.now, monotonic=lambda: made_up.now)
    monkeypatch.setattr(acme, "time", clock)
    monkeypatch.setattr(pace, "time", clock)
    return made_up


def trouble(issue: Callable[[], Pair]) -> Trouble:
    with pytest.raises(Trouble) as raised:
        issue()
    return raised.value


def test_without_an_obstacle_the_ca_is_asked_at_once(world: World) -> None:
    world.answers = [made()]
    assert Acme(SETTINGS).issue().fits()


def test_with_an_obstacle_the_ca_is_not_asked_until_it_is_gone_and_then_at_once(world: World) -> None:
    issuer, world.answers = Acme(SETTINGS), [made()]
    world.obstacle = Obstacle(text="the name does not resolve yet", patience_s=3600)
    assert trouble(issuer.issue).text == "the name does not resolve yet"
    world.now += 600
    assert trouble(issuer.issue).again_s <= 10
    assert world.asked == 0
    world.obstacle = None
    assert issuer.issue().fits()


def test_an_obstacle_is_a_hint_and_after_a_while_the_ca_is_asked_all_the_same(world: World) -> None:
    issuer, world.answers = Acme(SETTINGS), [made()]
    world.obstacle = Obstacle(text="port 80 cannot be reached from here", patience_s=60)
    trouble(issuer.issue)
    world.now += 61
    assert issuer.issue().fits()


def test_a_refusal_is_told_with_the_time_of_the_next_try_and_not_repeated_before_it(world: World) -> None:
    issuer = Acme(SETTINGS)
    world.answers = [certbot.RefusedError("no valid A records", None), made()]
    told = trouble(issuer.issue)
    assert told.text.startswith("the CA says: no valid A records; it is asked again at 20")
    assert told.again_s <= 10
    for _ in range(5):
        world.now += 120
        trouble(issuer.issue)
    assert world.asked == 1
    world.now += 900
    assert issuer.issue().fits()


def test_a_certificate_that_is_asked_for_again_at_once_is_not_and_neither_by_the_next_container(world: World) -> None:
    world.answers = [made(), made()]
    assert Acme(SETTINGS).issue().fits()
    for issuer in (Acme(SETTINGS), Acme(SETTINGS)):  # as often as the machine restarts
        told = trouble(issuer.issue)
        assert told.text.startswith("the last certificate came within the hour; it is asked again at 20")
        world.now += 60
    assert world.asked == 1
    world.now += 3600
    assert Acme(SETTINGS).issue().fits()


def test_what_the_ca_wants_renewed_at_once_is_due_when_the_pause_after_it_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, pair = Acme(SETTINGS), made()
    world.answers = [pair]
    issuer.issue()
    wanted = datetime.now(UTC) - timedelta(seconds=1)
    monkeypatch.setattr(issuer._renewal_info, "renewal", lambda _: wanted)
    assert issuer.renewal(pair.leaf) > datetime.now(UTC) + timedelta(minutes=50)
    world.now += pace.HOUR_S
    assert issuer.renewal(pair.leaf) == wanted


def test_another_name_need_not_wait_for_the_hour_of_the_one_before(world: World) -> None:
    world.answers = [made(), made()]
    Acme(SETTINGS).issue()
    Acme(replace(SETTINGS, domain="lab.example.org")).issue()
    assert world.asked == 2


def test_an_outage_is_looked_through_soon_and_counts_for_no_limit(world: World) -> None:
    issuer, world.answers, world.error = Acme(SETTINGS), [made()], OSError("Connection refused")
    waits = [trouble(issuer.issue) for _ in range(12)]
    assert waits[0].text == "the CA at https://ca.example.org/directory does not answer: Connection refused"
    assert waits[0].again_s <= 11
    assert 900 <= waits[-1].again_s <= 990
    world.error = None
    assert issuer.issue().fits()


def test_another_ca_has_other_certificates() -> None:
    staging = Settings(https="letsencrypt", domain=NAME, address="192.0.2.10", acme_server="https://staging.example.org/")
    assert Acme(staging).name != Acme(SETTINGS).name


def test_a_ca_for_customers_alone_is_not_asked_without_the_account_and_the_remedy_is_told(world: World) -> None:
    world.directory, world.answers = '{"meta": {"externalAccountRequired": true}}', [made()]
    told = trouble(Acme(SETTINGS).issue).text
    assert "pulumi config set --secret acmeEabKeyId, pulumi config set --secret acmeEabHmacKey, pulumi up" in told
    assert world.asked == 0
    assert Acme(replace(SETTINGS, acme_eab=True)).issue().fits()


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"meta": []}', '{"meta": {"externalAccountRequired": false}}'])
def test_a_directory_that_says_nothing_of_accounts_is_no_obstacle(world: World, text: str) -> None:
    world.directory, world.answers = text, [made()]
    assert Acme(SETTINGS).issue().fits()
