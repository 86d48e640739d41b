"""What a person sees in a browser: sign-in, start, JupyterLab, an error, and the time of a restart. Screenshots are kept."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e import browser
from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.waiting import wait_for

LIMIT = 600  # seconds, for a hub on an emulated machine


@pytest.fixture
def newcomer(deployment: Deployment) -> Iterator[str]:
    """The name of a person who was never here: JupyterLab would bring back the open tabs of an earlier visit."""
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    yield name
    deployment.sign_in(name).stop()


@pytest.fixture
def no_hub(deployment: Deployment) -> Iterator[None]:
    """The hub is away; a test may bring it back before the end."""
    deployment.manager.run("docker", "service", "update", "--replicas", "0", "--quiet", "hub", limit_s=LIMIT)
    yield
    bring_back(deployment)
    wait_for("the hub to answer", deployment.page_answers, limit_s=LIMIT)


def bring_back(deployment: Deployment) -> None:
    """Start the hub again, without waiting for it."""
    deployment.manager.run("docker", "service", "update", "--replicas", "1", "--detach", "--quiet", "hub", limit_s=LIMIT)


def test_the_pages_on_the_way_to_a_running_cell_carry_the_sites_title(deployment: Deployment, newcomer: str) -> None:
    title = deployment.stack.get("title")
    with browser.open_page(deployment.artefacts) as page:
        page.goto(f"{deployment.url}hub/login")
        expect(page).to_have_title(f"Sign in · {title}")
        expect(page.locator(".site-title")).to_have_text(title)
        page.screenshot(path=deployment.artefacts / "sign-in.png")
        browser.sign_in(page, deployment.url, newcomer, deployment.password)
        page.wait_for_url(f"**/hub/spawn-pending/{newcomer}**")
        expect(page).to_have_title(f"Starting · {title}")
        expect(page.locator("#progress-message")).not_to_be_empty()
        page.screenshot(path=deployment.artefacts / "starting.png")
        page.wait_for_url(f"**/user/{newcomer}/lab**", timeout=browser.SPAWN_LIMIT * 1000)
        browser.open_notebook(page)
        browser.run_cell(page, "print('six times seven is', 6*7)", "six times seven is 42")
        page.screenshot(path=deployment.artefacts / "jupyterlab.png")
        page.goto(f"{deployment.url}hub/no-such-page")
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        expect(page).to_have_title(re.compile(re.escape(title)))
        page.screenshot(path=deployment.artefacts / "error.png")


@pytest.mark.usefixtures("no_hub")
def test_the_page_for_the_time_of_a_restart_gives_way_by_itself(deployment: Deployment) -> None:
    with browser.open_page(deployment.artefacts) as page:
        page.goto(f"{deployment.url}hub/login")
        expect(page.get_by_role("heading", name="The hub is restarting, your notebook is still running")).to_be_visible()
        expect(page).to_have_title(f"Back in a moment · {deployment.stack.get('title')}")
        page.screenshot(path=deployment.artefacts / "hub-down.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=deployment.artefacts / "hub-down-dark.png")
        bring_back(deployment)
        expect(page.locator("#login-main")).to_be_visible(timeout=LIMIT * 1000)
