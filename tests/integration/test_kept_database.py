"""The real hub loses its volume, and its accounts come back from beside the homes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from components import sign_in
from components.sign_in import Auth
from services.hub.kept_database import KeptDatabase
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.unit.hub_files import SETTINGS

PASSWORD = "a password of Ben's own"


def test_who_has_registered_signs_in_with_the_same_password_after_the_volume_was_lost(tmp_path: Path) -> None:
    people = sign_in.parse(Auth.NATIVE, ("ada",), (), {}).rendered("hub.example.org")
    settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=True, idle_timeout=0)
    hub = HubProcess(tmp_path, settings, free_port())
    try:
        hub.start()
        ben, ada = BrowserSession(hub.url), BrowserSession(hub.url)
        ben.post("hub/signup", username="ben", signup_password=PASSWORD, signup_password_confirmation=PASSWORD)
        ada.post("hub/login", username="ada", password=SECRETS["admin-password"])
        ada.get("hub/authorize/ben")
        KeptDatabase(hub.state, hub.beside_the_homes).keep()
        hub.stop()
        for file in hub.state.parent.iterdir():
            file.unlink()
        hub.start()
        ben = BrowserSession(hub.url)
        ben.post("hub/login", username="ben", password=PASSWORD)
        assert ben.model()["name"] == "ben"
    finally:
        hub.stop()
