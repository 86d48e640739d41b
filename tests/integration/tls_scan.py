"""sslyze against a server in another network namespace. It has a virtual environment of its own, since it holds back the
cryptography package, and is run there as a program."""

import json
import subprocess
import venv
from typing import Any

from tests.integration.workspace import ROOT

VERSION = "6.3.1"
# sslyze's flag for each part, and the part's name in the result.
PARTS = {
    "sslv2": "ssl_2_0_cipher_suites",
    "sslv3": "ssl_3_0_cipher_suites",
    "tlsv1": "tls_1_0_cipher_suites",
    "tlsv1_1": "tls_1_1_cipher_suites",
    "tlsv1_2": "tls_1_2_cipher_suites",
    "tlsv1_3": "tls_1_3_cipher_suites",
    "compression": "tls_compression",
    "reneg": "session_renegotiation",
    "heartbleed": "heartbleed",
    "openssl_ccs": "openssl_ccs_injection",
    "robot": "robot",
    "early_data": "tls_1_3_early_data",
    "fallback": "tls_fallback_scsv",
}


def scan(pid: int, address: str, name: str) -> dict[str, Any]:
    """What sslyze finds at port 443 of `address` in the network of the process, asking for the host `name`.

    The result is sslyze's own, by part. Raises AssertionError if a part failed.
    """
    done = subprocess.run(
        [
            *("nsenter", f"--net=/proc/{pid}/ns/net", _program(), *(f"--{flag}" for flag in PARTS)),
            *("--mozilla_config", "disable", "--sni", name, "--json_out", "-", f"{address}:443"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    (found,) = json.loads(done.stdout)["server_scan_results"]
    result: dict[str, Any] = found["scan_result"]
    failed = {part: result[part]["status"] for part in PARTS.values() if result[part]["status"] != "COMPLETED"}
    assert failed == {}
    return {part: result[part]["result"] for part in PARTS.values()}


def _program() -> str:
    folder = ROOT / ".build" / f"sslyze-{VERSION}"
    program = folder / "bin" / "sslyze"
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", f"sslyze=={VERSION}"], check=True, timeout=300)
        (folder / "complete").touch()
    return str(program)
