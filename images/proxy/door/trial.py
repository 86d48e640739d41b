"""`python3 -m door try`: whether NGINX would take the certificate and the key on standard input, asked before a container that
has them takes the place of one that serves."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from . import files
from .nginx import complaint

# Of a PEM text the parts that NGINX is to read.
CERTIFICATE = r"(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?"
KEY = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?"
CONFIG = """pid {folder}/nginx.pid;
error_log /dev/stderr;
events {{}}
http {{
    server {{
        listen unix:{folder}/socket ssl;
        ssl_certificate {folder}/fullchain.pem;
        ssl_certificate_key {folder}/privkey.pem;
    }}
}}
"""


def main(text: str | None = None) -> int:
    """Print NGINX's complaint; returns 1 where it has one."""
    text = sys.stdin.read() if text is None else text
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        files.write(folder / "privkey.pem", "".join(re.findall(KEY, text)), 0o600)
        files.write(folder / "fullchain.pem", "".join(re.findall(CERTIFICATE, text)))
        files.write(folder / "nginx.conf", CONFIG.format(folder=folder))
        said = complaint(folder / "nginx.conf")
    if said:
        print(f"NGINX does not take the certificate and its key: {said}", file=sys.stderr)
    return 1 if said else 0
