"""sslyze against a server in another network namespace. It has a virtual environment of its own, since it holds back the
cryptography package, and is run there as a program."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tests.integration.workspace import ROOT

VERSION = "6.3.1"
COMMANDS = (
    *("ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites", "tls_1_1_cipher_suites"),
    *("tls_1_2_cipher_suites", "tls_1_3_cipher_suites", "tls_compression", "session_renegotiation", "heartbleed"),
    *("openssl_ccs_injection", "robot", "tls_1_3_early_data", "tls_fallback_scsv", "elliptic_curves"),
)


def scan(pid: int, address: str, name: str) -> dict[str, Any]:
    """What sslyze finds at port 443 of `address` in the network of the process, asking for the host `name`.

    The result is sslyze's `scan_result`: per command its `status` and `result`. Raises AssertionError if a part failed.
    """
    done = subprocess.run(
        [
            *("nsenter", f"--net=/proc/{pid}/ns/net", _program(), "--mozilla_config", "disable", "--sni", name),
            *("--json_out", "-", "--quiet", f"{address}:443"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    (found,) = json.loads(done.stdout)["server_scan_results"]
    result: dict[str, Any] = found["scan_result"]
    asked = {command: result[command] for command in COMMANDS}
    failed = {command: part["status"] for command, part in asked.items() if part["status"] != "COMPLETED"}
    assert failed == {}
    return {command: part["result"] for command, part in asked.items()}


def _program() -> str:
    folder = ROOT / ".build" / f"sslyze-{VERSION}"
    program = folder / "bin" / "sslyze"
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", f"sslyze=={VERSION}"], check=True, timeout=300)
        (folder / "complete").touch()
    return str(program)
