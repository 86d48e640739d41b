"""The hub's configuration in a bench: the real one, a token for the bench, and, where BENCH_HUB is `stock`, dockerspawner's own
SwarmSpawner with the same image, network and limits."""

import json
import os
from pathlib import Path

from traitlets.config import Config

HERE = Path("/etc/jupyterhub")
c: Config = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub provides it
name = os.environ["BENCH_HUB"]
real = HERE / "jupyterhub_config.py"
exec(compile(real.read_text(), real, "exec"))  # noqa: S102
bench = json.loads((HERE / "bench.json").read_text())

c.JupyterHub.services = [*c.JupyterHub.get("services", []), {"name": "bench", "api_token": bench["token"]}]
role = {"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers", "access:servers"]}
c.JupyterHub.load_roles = [*c.JupyterHub.get("load_roles", []), role]

c.JupyterHub.hub_connect_url = f"http://{name}:8081"
c.NotebookSpawner.network_name = bench["network"]
# What is measured is the time, not whether it ends: an emulated machine takes many times that of a real one.
c.Spawner.start_timeout = c.Spawner.http_timeout = 900
if name == "stock":
    ours = c.NotebookSpawner
    c.JupyterHub.spawner_class = "dockerspawner.SwarmSpawner"
    for key in ("cmd", "network_name", "notebook_dir", "environment", "args"):
        c.SwarmSpawner[key] = ours[key]
    c.SwarmSpawner.extra_placement_spec = {"constraints": ours.placement_constraints}
    # As the project's: an engine in a network namespace of its own may lack the IPVS that virtual addresses need.
    c.SwarmSpawner.extra_endpoint_spec = {"mode": "dnsrr"}
    c.SwarmSpawner.name_template = "{username}"
