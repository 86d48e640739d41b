"""services/hub/jupyterhub_config.py, executed as the hub does it, and held against the classes that it configures."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import re
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dockerspawner import SwarmSpawner
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets.config import Config

from components.hub_files import CONFIG_FOLDER, EXTRA_CONFIG, HUB_FILES, TEMPLATE_FILES, config_path
from services.hub.native_admins import AdminsFirstAuthenticator
from services.hub.service_spec import placement
from tests.unit.hub_files import SECRETS, SETTINGS, STANDARD, hub_config, spawner_module, spawner_of
from tools.graph import ROOT

NATIVE = dataclasses.replace(SETTINGS, sign_in={**SETTINGS.sign_in, "auth": "native"})
CLASSES: dict[str, Any] = {
    "JupyterHub": JupyterHub,
    "ConfigurableHTTPProxy": ConfigurableHTTPProxy,
    "Authenticator": Authenticator,
    "SharedPasswordAuthenticator": SharedPasswordAuthenticator,
    "AdminsFirstAuthenticator": AdminsFirstAuthenticator,
    "Spawner": spawner_module().NotebookSpawner,  # the section reaches classes below it too
    "NotebookSpawner": spawner_module().NotebookSpawner,
}


def pins(path: str) -> dict[str, str]:
    """The versions that a requirements file of the project fixes."""
    return dict(re.findall(r"^([A-Za-z0-9_-]+)==(\S+)$", (ROOT / path).read_text(), re.MULTILINE))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The hub's configuration where all sign in with one password."""
    return hub_config(tmp_path, monkeypatch)


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The hub's configuration where people register."""
    return hub_config(tmp_path, monkeypatch, NATIVE)


@pytest.mark.parametrize("settings", [SETTINGS, NATIVE], ids=["dummy", "native"])
def test_every_setting_is_one_that_its_class_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    for section, values in hub_config(tmp_path, monkeypatch, settings).items():
        known = CLASSES[section].class_traits(config=True)
        assert [name for name in values if name not in known] == [], section


@pytest.mark.parametrize("section", ["ConfigurableHTTPProxy", "SharedPasswordAuthenticator", "NotebookSpawner"])
def test_every_value_is_one_that_its_class_takes(config: Config, section: str) -> None:
    made = spawner_of("ada", config) if section == "NotebookSpawner" else CLASSES[section](config=config)
    for name, value in config[section].items():
        assert getattr(made, name) == value


def test_the_tests_run_against_the_versions_of_the_hubs_image() -> None:
    tested, image = pins("requirements-dev.txt"), pins("images/hub/requirements.txt")
    for package in ("jupyterhub", "dockerspawner", "jupyterhub-nativeauthenticator", "oauthenticator"):
        assert tested[package] == image[package]


def test_the_notebook_image_of_the_project_has_the_hubs_version_of_jupyterhub() -> None:
    assert pins("images/notebook/requirements.txt")["jupyterhub"] == pins("images/hub/requirements.txt")["jupyterhub"]


def test_secrets_come_from_files(config: Config) -> None:
    assert config.JupyterHub.cookie_secret == bytes.fromhex(SECRETS["cookie-secret"])
    assert config.ConfigurableHTTPProxy.auth_token == "proxy-token-value"
    assert config.SharedPasswordAuthenticator.user_password == "password-value"
    assert config.SharedPasswordAuthenticator.admin_password == "password-value-of-the-administrators"


def test_a_cookie_secret_that_is_not_whole_stops_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRETS, "cookie-secret", "0")
    with pytest.raises(ValueError, match="non-hexadecimal"):
        hub_config(tmp_path, monkeypatch)


def test_the_database_is_on_the_state_volume(config: Config, tmp_path: Path) -> None:
    assert config.JupyterHub.db_url == f"sqlite:///{tmp_path}/var/lib/jupyterhub/jupyterhub.sqlite"


def test_notebooks_and_the_user_proxy_outlive_the_hub(config: Config) -> None:
    assert config.JupyterHub.cleanup_servers is False
    assert config.ConfigurableHTTPProxy.should_start is False


def test_notebooks_find_the_hub_by_its_services_name(config: Config) -> None:
    assert config.JupyterHub.hub_connect_url == "http://hub:8081"


def test_the_hubs_pages_are_those_beside_the_configuration_and_carry_the_sites_title(config: Config, tmp_path: Path) -> None:
    folders = {str(tmp_path / Path(config_path(file)).relative_to("/").parent) for file in TEMPLATE_FILES}
    assert folders == set(config.JupyterHub.template_paths)
    assert config.JupyterHub.template_vars["site_title"] == "Physics 101"


def test_the_spawner_is_the_one_beside_the_configuration(config: Config) -> None:
    module, _, name = config.JupyterHub.spawner_class.rpartition(".")
    assert config_path("swarm_spawner.py") == f"{CONFIG_FOLDER}/{module.replace('.', '/')}.py"
    assert "swarm_spawner.py" in HUB_FILES
    assert issubclass(getattr(spawner_module(), name), SwarmSpawner)
    assert CONFIG_FOLDER == "/etc/jupyterhub"


def test_servers_get_the_image_and_the_resources_of_the_settings(config: Config) -> None:
    spawner = spawner_of("ada", config)
    assert spawner.image == "example/lab:7"
    assert (spawner.cpu_limit, spawner.cpu_guarantee) == (1.5, 0.25)
    assert (spawner.mem_limit, spawner.mem_guarantee) == (2 * 1024**3, 512 * 1024**2)


@pytest.mark.parametrize("role", ["worker", "manager"])
def test_servers_run_on_the_nodes_of_the_settings_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, notebook_role=role))
    assert placement(spawner_of("ada", config)) == {"constraints": [f"node.role=={role}"]}


def test_lasting_homes_are_made_before_each_start_and_nothing_is_said_of_them(config: Config) -> None:
    assert inspect.iscoroutinefunction(config.NotebookSpawner.pre_spawn_hook)
    assert inspect.iscoroutinefunction(config.NotebookSpawner.options_form)
    assert config.JupyterHub.template_vars["announcement"](None) == ""


def test_temporary_homes_are_announced_on_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, lasting_homes=False))
    assert "your files are gone" in config.JupyterHub.template_vars["announcement"]
    assert "pre_spawn_hook" not in config.NotebookSpawner
    assert asyncio.run(config.NotebookSpawner.options_form(spawner_of("ada", config))) == ""


def test_the_wait_for_room_and_the_profiles_are_those_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ({**STANDARD, "name": "Small"}, {**STANDARD, "name": "Large"})
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, room_timeout=90, profiles=kinds))
    made = spawner_of("ada", config)
    assert (made.room_timeout, made.profiles) == (90, list(kinds))


def test_what_jupyter_writes_at_its_start_is_on_the_containers_own_disk(config: Config) -> None:
    assert config.NotebookSpawner.environment["JUPYTER_RUNTIME_DIR"].startswith("/tmp/")
    assert "--NotebookNotary.db_file=:memory:" in config.NotebookSpawner.args


def test_what_a_user_deletes_is_gone_since_a_trash_would_fill_the_home(config: Config) -> None:
    assert "--FileContentsManager.delete_to_trash=False" in config.NotebookSpawner.args


def test_the_command_of_a_server_is_not_looked_up_on_the_manager_which_may_lack_the_image(config: Config) -> None:
    spawner = spawner_of("ada", config)
    spawner.docker = None  # nobody to ask
    command = asyncio.run(spawner.get_command())
    assert command == ["jupyterhub-singleuser", *config.NotebookSpawner.args]


def test_a_start_may_take_longer_than_the_wait_for_room(config: Config) -> None:
    spawner = spawner_of("ada", config)
    assert 0 < spawner.room_timeout < spawner.start_timeout


def test_the_admins_of_the_settings_are_the_hubs(config: Config) -> None:
    assert config.Authenticator.admin_users == {"ada", "grace"}


def test_without_limits_there_is_no_culler_and_one_server_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, idle_timeout=0))
    assert "services" not in config.JupyterHub
    assert config.JupyterHub.allow_named_servers is False
    assert config.JupyterHub.active_server_limit == 0


def test_the_limits_of_the_settings_are_the_hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dataclasses.replace(SETTINGS, named_servers=3, concurrent_spawn_limit=7, active_server_limit=9)
    hub = hub_config(tmp_path, monkeypatch, settings).JupyterHub
    assert (hub.allow_named_servers, hub.named_server_limit_per_user) == (True, 3)
    assert (hub.concurrent_spawn_limit, hub.active_server_limit) == (7, 9)


@pytest.mark.parametrize(("idle", "age"), [(7200, 0), (600, 3600), (0, 86400)])
def test_the_culler_has_no_token_of_its_own_and_may_be_given_no_more_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle: int, age: int
) -> None:
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, idle_timeout=idle, max_age=age))
    (service,) = config.JupyterHub.services
    assert set(service) == {"name"}  # no process, no token
    (role,) = config.JupyterHub.load_roles
    assert role["services"] == [service["name"]]
    assert sorted(role["scopes"]) == ["access:servers", "delete:servers", f"read:services:name!service={service['name']}"]


def test_an_announcement_is_on_every_page_beside_what_the_storage_gives_cause_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, announcement="Closed on Monday."))
    assert config.JupyterHub.template_vars["announcement"](None) == "Closed on Monday."


def test_an_announcement_stands_before_the_word_on_temporary_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = hub_config(
        tmp_path, monkeypatch, dataclasses.replace(SETTINGS, lasting_homes=False, announcement="Closed on Monday.")
    )
    assert config.JupyterHub.template_vars["announcement"].startswith("Closed on Monday.<br>Homes are temporary")


def test_the_owners_own_file_has_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = "c.DockerSpawner.image = 'example/mine:1'\nc.Spawner.mem_limit = '3G'\nc.NotebookSpawner.cpu_limit = 4\n"
    made = spawner_of("ada", hub_config(tmp_path, monkeypatch, dataclasses.replace(SETTINGS, lasting_homes=False), extra))
    asyncio.run(made.run_pre_spawn_hook())
    assert (made.image, made.mem_limit, made.cpu_limit, made.cpu_guarantee) == ("example/mine:1", 3 * 1024**3, 4, 0.25)


def test_an_error_of_the_owners_own_file_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NameError) as error:
        hub_config(tmp_path, monkeypatch, extra="\nno_such\n")
    last = traceback.extract_tb(error.value.__traceback__)[-1]
    assert (Path(last.filename).name, last.lineno) == (EXTRA_CONFIG, 2)


@pytest.mark.parametrize(("name", "service"), [("", "jupyter-ada"), ("gpu", "jupyter-ada--gpu")])
def test_a_server_with_a_name_is_a_service_of_its_own(config: Config, name: str, service: str) -> None:
    owner, server = SimpleNamespace(name="ada"), SimpleNamespace(name=name, server=None, state={})
    made = spawner_module().NotebookSpawner(user=owner, orm_spawner=server, config=config)
    assert made.service_name == service
