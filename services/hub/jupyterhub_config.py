"""JupyterHub's configuration. It reads one rendered file, settings.json; the program writes it from the stack's settings."""

import json
import os
import sys
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient
from traitlets.config import Config

FOLDER, SECRETS, STATE = Path("/etc/jupyterhub"), Path("/run/secrets"), Path("/var/lib/jupyterhub")
sys.path.insert(0, str(FOLDER))

from services.hub import (
    background,
    culler_token,
    culling,
    home_hooks,
    leftovers,
    name_guard,
    profiles,
    sign_in,
    user_proxy_routes,
)
from services.hub.full_volume import HomesVolume
from services.hub.home_volumes import HUB_FOLDER
from services.hub.homes import Homes
from services.hub.kept_database import KeptDatabase
from services.hub.socket_proxy import SocketProxy
from services.hub.storage_watch import StorageWatch

c: Config = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub provides it
settings = json.loads((FOLDER / "settings.json").read_text())

# --- the hub's own place in the swarm
c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
DATABASE = STATE / "jupyterhub.sqlite"
c.JupyterHub.db_url = f"sqlite:///{DATABASE}"
# JupyterHub keeps the old one beside it.
c.JupyterHub.upgrade_db = True
c.JupyterHub.cookie_secret = bytes.fromhex((SECRETS / "cookie-secret").read_text())
# The hub asks each server that starts whether it answers. A program in its place may answer with 100 MiB, or ten never: of
# Tornado's own limits, some such servers fill the hub's memory, and some hold up everybody's start and sign-in.
AsyncHTTPClient.configure(None, max_body_size=4 * 1024**2, max_clients=200)
# Notebooks and the user proxy outlive the hub: a restart or an upgrade of the hub leaves them alone.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.proxy_class = SocketProxy
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://userproxy"
c.ConfigurableHTTPProxy.auth_token = (SECRETS / "proxy-token").read_text()
background.begin(user_proxy_routes.keep_handed_over)

# --- pages
c.JupyterHub.template_paths = [str(FOLDER / "services/hub/templates")]
c.JupyterHub.template_vars = {"site_title": settings["title"], "own_accounts": settings["sign_in"]["auth"] == "native"}

# --- sign-in
for section, traits in sign_in.authenticator(settings["sign_in"], SECRETS).items():
    c[section].update(traits)
name_guard.begin()

# --- limits
c.JupyterHub.concurrent_spawn_limit = settings["concurrent_spawn_limit"]
c.JupyterHub.active_server_limit = settings["active_server_limit"]
c.JupyterHub.allow_named_servers = settings["named_servers"] > 0
c.JupyterHub.named_server_limit_per_user = settings["named_servers"]
if settings["idle_timeout"] or settings["max_age"]:
    c.JupyterHub.services = [culler_token.SERVICE]
    c.JupyterHub.load_roles = [culler_token.ROLE]
    background.begin(culling.Culler(settings["idle_timeout"], settings["max_age"]).run)

# --- notebooks
c.JupyterHub.spawner_class = "services.hub.swarm_spawner.NotebookSpawner"
# Else dockerspawner looks the command up in the image, on the manager, which has none where notebooks run on workers.
c.NotebookSpawner.cmd = ["jupyterhub-singleuser"]
c.NotebookSpawner.network_name = "jupyterhub"
c.NotebookSpawner.notebook_dir = "/home/jovyan"
c.NotebookSpawner.placement_constraints = [f"node.role=={settings['notebook_role']}"]
c.NotebookSpawner.profiles = settings["profiles"]
# Where there is no choice, the owner's own file may say otherwise, in this section as in those of the other classes.
c.Spawner.update(profiles.traits(settings["profiles"][0]))
c.NotebookSpawner.room_timeout = settings["room_timeout"]
c.NotebookSpawner.environment = {
    # Swarm fills the template in for each task, so that a notebook can tell where it runs.
    "NODE_NAME": "{{.Node.Hostname}}",
    # Sockets and connection files are of one container; in a home, they would keep a full one from starting.
    "JUPYTER_RUNTIME_DIR": "/tmp/jupyter-runtime",  # noqa: S108  a container of one user
}
# For any image: no sqlite on NFS, and what is deleted is gone, since a trash would count against the home's size.
c.NotebookSpawner.args = [
    "--NotebookNotary.db_file=:memory:",
    "--BaseFileIdManager.db_path=/tmp/file-ids.db",
    "--FileContentsManager.delete_to_trash=False",
]
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 120
background.begin(leftovers.remove_for_ever)

# --- homes
announcement = settings["announcement"]
if settings["lasting_homes"]:
    homes = Homes(Path(HUB_FOLDER))
    database = KeptDatabase(DATABASE, Path(HUB_FOLDER) / "hub")
    database.take_back()
    background.begin(database.keep_on)
    # An image whose user lives elsewhere: what is written to ~ must last as well.
    c.NotebookSpawner.environment["HOME"] = "/home/jovyan"
    watch = StorageWatch(homes)
    background.begin(watch.go_on)
    announcement = watch.announcement(announcement)
    address, volume = os.environ["HOMES_ADDRESS"], HomesVolume(Path(HUB_FOLDER))
    c.NotebookSpawner.pre_spawn_hook = home_hooks.before_start(homes, address, settings["shared_folder"], volume)
    c.NotebookSpawner.options_form = profiles.page(home_hooks.form(homes, watch, volume), profiles.form)
else:
    c.NotebookSpawner.options_form = profiles.page(profiles.form)
    temporary = "Homes are temporary here: when your server stops, your files are gone. Download what you want to keep."
    announcement = "<br>".join(filter(None, [announcement, temporary]))

c.JupyterHub.template_vars["announcement"] = announcement

# --- the owner's own file, last: it may change anything above
extra = FOLDER / "hub_extra_config.py"
if extra.is_file():
    exec(compile(extra.read_text(), str(extra), "exec"))  # noqa: S102  the stack's owner wrote it
