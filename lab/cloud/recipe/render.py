"""Write the services' configuration: each file under config/, with this start's values, to the same place under /etc."""

import json
import os
import secrets
import subprocess
from pathlib import Path
from string import Template

CONFIG = Path("/opt/lab/config")
SECRETS = Path("/var/lib/lab/secrets.json")
ACCOUNTS = {"admin": "admin", "service": "lab-service", "member": "jupyterhub"}
# Emulation has no use for the machine's own CPU model. Westmere has what Python wheels ask for (x86-64-v2) and AES for ssh;
# a newer model is slower to emulate.
CPU = {"kvm": "cpu_mode = host-passthrough", "qemu": "cpu_mode = custom\ncpu_models = Westmere"}
IDENTITY = """www_authenticate_uri = http://$address:5000/v3
auth_url = http://$address:5000/v3
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = lab-service
password = $service_password
region_name = RegionOne"""


def passwords() -> dict[str, str]:
    """The passwords of this container's accounts, made at its first start."""
    if not SECRETS.exists():
        SECRETS.parent.mkdir(parents=True, exist_ok=True)
        new = SECRETS.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps({account: secrets.token_urlsafe(24) for account in ACCOUNTS}))
        new.rename(SECRETS)
    return dict(json.loads(SECRETS.read_text()))


def address() -> str:
    """The address that the machine reaches the container at; the loopback address during the image build."""
    if "LAB_MTU" not in os.environ:
        return "127.0.0.1"
    shown = subprocess.run(["ip", "-json", "-4", "address", "show", "dev", "eth0"], capture_output=True, check=True)
    return str(json.loads(shown.stdout)[0]["addr_info"][0]["local"])


def values() -> dict[str, str]:
    """What the placeholders in the files stand for."""
    virt_type = os.environ.get("LAB_VIRT", "qemu")
    found = {
        "address": address(),
        "mtu": os.environ.get("LAB_MTU", "1500"),
        "dns": os.environ.get("LAB_DNS", ""),
        "virt_type": virt_type,
        "cpu": CPU[virt_type],
        "database": "mysql+pymysql://lab:lab@localhost",
        "socket": "unix_socket=/run/lab/mariadb.sock",
        "rabbit": "rabbit://guest:guest@127.0.0.1:5672/",
    }
    found |= {f"{account}_password": password for account, password in passwords().items()}
    return found | {"identity": Template(IDENTITY).substitute(found)}


def main() -> None:
    """Render all files; a placeholder without a value is an error."""
    found = values()
    for source in CONFIG.rglob("*"):
        if source.is_file():
            target = Path("/etc") / source.relative_to(CONFIG)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(source.read_text()).substitute(found))


if __name__ == "__main__":
    main()
