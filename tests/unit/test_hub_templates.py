"""The hub's own pages, rendered over JupyterHub's as the hub does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH

from components.hub_files import SOURCE, TEMPLATE_FILES
from tests.unit.graphs import Graph

STOCK = Path(DATA_FILES_PATH) / "templates"
CONTEXT: dict[str, Any] = {
    "site_title": "Physics <101>",
    "base_url": "/hub/",
    "static_url": lambda path, **_: f"/hub/static/{path}",
    "authenticator": {"request_otp": False},
    "parsed_scopes": {},
    "announcement": "Closed on Sunday",
    "status_code": 500,
}


def render(page: str, **context: Any) -> str:
    """A page, with the loader that jupyterhub.app makes."""
    loader = ChoiceLoader(
        [
            PrefixLoader({"templates": FileSystemLoader(STOCK)}, "/"),
            FileSystemLoader([SOURCE / "templates", STOCK]),
        ]
    )
    return Environment(loader=loader, autoescape=True).get_template(page).render({**CONTEXT, **context})


@pytest.mark.parametrize("page", [*(Path(file).name for file in TEMPLATE_FILES), "home.html", "not_running.html", "404.html"])
def test_every_page_carries_the_sites_title_and_the_announcement(page: str) -> None:
    text = render(page, default_server={"active": False}, user={"name": "ada", "spawner": {}, "spawners": {}})
    (title,) = re.findall(r"<title>\s*(.*?)\s*</title>", text, re.DOTALL)
    assert title.endswith("Physics &lt;101&gt;")
    assert '<span class="site-title">Physics &lt;101&gt;</span>' in text
    assert "Closed on Sunday" in text


def test_the_page_of_a_start_has_all_that_jupyterhubs_script_fills_in() -> None:
    text = render("spawn_pending.html", progress_url="/hub/api/users/ada/server/progress")
    used = set(re.findall(r"\$\(['\"]#([\w-]+)['\"]\)", text)) - {"refresh"}
    assert used >= {"progress-bar", "progress-message", "progress-log"}
    assert [name for name in used if f'id="{name}"' not in text] == []


@pytest.mark.parametrize(("status", "heading"), [(404, "There is no such page"), (503, "Your server does not answer")])
def test_an_error_is_told_in_plain_words_with_its_reason(status: int, heading: str) -> None:
    text = render("error.html", status_code=status, status_message="Gone <away>", message="because <b>")
    assert re.search(rf"<h1>\s*{heading}\s*</h1>", text)
    assert "because &lt;b&gt;" in text
    assert f"{status} Gone &lt;away&gt;" in text


def test_the_hub_gets_every_page_that_is_beside_its_configuration(graph: Graph) -> None:
    assert sorted(TEMPLATE_FILES) == sorted(f"templates/{file.name}" for file in (SOURCE / "templates").iterdir())
    mounted = {config["fileName"] for config in graph["hub-hub"].inputs["taskSpec"]["containerSpec"]["configs"]}
    assert {f"/etc/jupyterhub/services/hub/{file}" for file in TEMPLATE_FILES} <= mounted
