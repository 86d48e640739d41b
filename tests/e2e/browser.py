"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, expect, sync_playwright

CHROMIUM = "chromium"
# As root a sandbox cannot be had; the rest keeps the browser from calling its vendor, which a closed network refuses.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTH, HEIGHT = 1280, 800
NOTEBOOK = ".jp-NotebookPanel"
# Seconds that one step in the browser may take. A server that runs on an emulated machine takes minutes to start.
STEP_LIMIT, SPAWN_LIMIT = 240, 480


@contextmanager
def open_page(artefacts: Path) -> Iterator[Page]:
    """A page in a browser with a fresh profile. When the test fails, what it showed is kept as failure.png and failure.html."""
    executable = shutil.which(CHROMIUM)
    if executable is None:
        raise FileNotFoundError(f"there is no {CHROMIUM!r} on PATH, which the browser tests drive: apt-get install {CHROMIUM}")
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable,
            headless=True,
            args=FLAGS,
            viewport={"width": WIDTH, "height": HEIGHT},
            # The lab's site has a CA of its own, which this browser does not know. That its certificate is good is
            # verified by hub_client, which signs in at the same site in the same suite.
            ignore_https_errors=True,
        )
        context.set_default_timeout(STEP_LIMIT * 1000)
        context.set_default_navigation_timeout(STEP_LIMIT * 1000)
        expect.set_options(timeout=STEP_LIMIT * 1000)
        page = context.pages[0]
        try:
            yield page
        except BaseException:
            _keep(page, artefacts)
            raise
        finally:
            context.close()


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Fill in the hub's form and send it."""
    page.goto(f"{url}hub/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def open_notebook(page: Page) -> None:
    """On a person's first visit to JupyterLab: a new notebook from the launcher; wait until its kernel is idle.

    The status bar tells it. The circle in the notebook's corner looks idle before there is a kernel, and a cell that is
    run then does nothing.
    """
    page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    page.locator(f"{NOTEBOOK} .jp-CodeCell").first.wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text(re.compile(r"Python 3.* \| Idle"))


def run_cell(page: Page, code: str, text: str) -> None:
    """Type code into the notebook's last cell, run it with Shift+Enter, and wait until its output shows `text`."""
    page.locator(f"{NOTEBOOK} .jp-CodeCell .cm-content").last.click()
    page.keyboard.type(code)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(f"{NOTEBOOK} .jp-OutputArea-output").last).to_contain_text(text)


def _keep(page: Page, artefacts: Path) -> None:
    try:
        page.screenshot(path=artefacts / "failure.png", timeout=30_000)
        (artefacts / "failure.html").write_text(page.content(), encoding="utf-8")
    except Error:
        # The page may be gone; the test's own failure says more than this would.
        return
