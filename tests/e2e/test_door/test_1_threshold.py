"""What the door shows and keeps to itself, before anybody has signed in."""

from __future__ import annotations

import socket
import uuid
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e import rates
from tests.e2e.conftest import Witness
from tests.e2e.deployment import Deployment
from tests.e2e.waiting import wait_for

LOG_LIMIT = 120  # seconds
RATE_S = 10
KNOCK = """
import socket
def knock(port):
    try:
        socket.create_connection(("userproxy", port), 10).close()
        return "open"
    except OSError as error:
        return type(error).__name__
"""


@pytest.mark.usefixtures("silent")
def test_plain_http_is_led_to_https(deployment: Deployment) -> None:
    plain = deployment.url.replace("https://", "http://")
    answer = requests.get(f"{plain}hub/login?next=%2Fhub%2Fhome", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{deployment.url}hub/login?next=%2Fhub%2Fhome")


def test_the_hubs_log_has_the_clients_own_address(deployment: Deployment) -> None:
    with socket.create_connection((str(urlsplit(deployment.url).hostname), 443), 60) as connection:
        address = connection.getsockname()[0]
    path = f"hub/{uuid.uuid4().hex}"
    assert deployment.get(path).status_code == 404

    def lines() -> list[str]:
        told = deployment.manager.run("sh", "-c", "docker service logs --since 15m hub 2>&1")
        return [line for line in told.splitlines() if path in line]

    logged = wait_for("the hub's log to have the request", lines, limit_s=LOG_LIMIT)
    assert f"@{address})" in logged[0], logged[0]


def test_a_notebook_cannot_reach_the_user_proxys_api(witness: Witness) -> None:
    witness.kernel.run(KNOCK)
    assert witness.kernel.value("knock(8000)") == "'open'"
    assert witness.kernel.value("knock(8001)") == "'ConnectionRefusedError'"


def test_a_small_static_file_comes_at_these_rates(deployment: Deployment, witness: Witness) -> None:
    """One connection each: a look at the cost of each step on these machines. `make bench-door` compares."""
    for way, base in (("notebook", "http://localhost:8888"), ("user proxy", "http://userproxy:8000")):
        rates.tell(way, rates.rate_from_notebook(witness.kernel, rates.file_of(witness.user, base), RATE_S))
    trusted = deployment.verify if isinstance(deployment.verify, str) else ""
    seen = rates.rate(rates.file_of(witness.user, deployment.url), trusted, RATE_S)
    rates.tell("NGINX", seen)
    assert seen["rate"] > 0
