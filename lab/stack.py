"""The stack `dev` on the lab: its environment, its state, and `pulumi up`, also after an interruption."""

from __future__ import annotations

import json
import shlex
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from lab.process import BUILD, LOGS, LabError, run_logged, say

ROOT = BUILD.parent.parent
ENV_FILE = ROOT / ".build" / "env"
STATE, CLOUD_MARK = BUILD / "state", BUILD / "state" / "cloud-id"
STACK = "dev"
# The lab's state holds the secrets of a throw-away cloud on this very machine; a passphrase that is no secret says so.
PASSPHRASE = "jupyterhub-swarm-lab"  # noqa: S105


def write_env() -> None:
    """Write .build/env, which a shell sources to work with the lab: `. .build/env; pulumi config set workers 2`."""
    lines = [
        "# Written by `make up`. Source it: pulumi then works on the lab's stack.",
        f". {shlex.quote(str(ROOT / '.build' / 'toolchain' / 'env'))}",
        f"export PULUMI_BACKEND_URL={shlex.quote(f'file://{STATE}')}",
        f"export PULUMI_CONFIG_PASSPHRASE={PASSPHRASE}",
        f"export OS_CLIENT_CONFIG_FILE={shlex.quote(str(BUILD / 'clouds.yaml'))}",
    ]
    ENV_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ensure_key() -> None:
    """Make the ssh key of the lab, once."""
    key = BUILD / "id_ed25519"
    if not key.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key)]
        run_logged("making the lab's ssh key", command, "key")


def select(cloud_id: str) -> None:
    """Select the stack; state of another cloud (an earlier lab) is put aside, since what it describes is gone.

    A lock that an interrupted `pulumi up` left is broken: the caller holds the lab's own lock, so no other run is on.
    """
    if STATE.exists() and (not CLOUD_MARK.exists() or CLOUD_MARK.read_text() != cloud_id):
        aside = STATE.with_name(f"state.{time.strftime('%Y%m%d-%H%M%S')}")
        shutil.move(STATE, aside)
        say(f"the OpenStack of the earlier state is gone; that state is now {aside.name}")
    STATE.mkdir(parents=True, exist_ok=True)
    CLOUD_MARK.write_text(cloud_id)
    pulumi("selecting the stack", ["stack", "select", "--create", STACK], "stack-select")
    if list(STATE.glob(".pulumi/locks/**/*.json")):
        say("breaking the lock of an interrupted run")
        pulumi("breaking the lock of an interrupted run", ["cancel", "--yes", "--stack", STACK], "stack-cancel")


def up() -> str:
    """Bring the stack up and return the engine's summary of changes. Operations cut off by a kill are looked up again first."""
    refresh = ["--refresh"] if _pending_operations() else []
    if refresh:
        pulumi(
            "looking up what an interrupted run left",
            ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", STACK],
            "stack-refresh",
        )
    pulumi("`pulumi up`", ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK, *refresh], "stack-up", 3600)
    return _summary((LOGS / "stack-up.log").read_text(encoding="utf-8"))


def outputs() -> dict[str, object]:
    """The stack's outputs, secrets in plain: they are the lab's."""
    text = pulumi_output(["stack", "output", "--json", "--show-secrets", "--stack", STACK])
    return dict(json.loads(text))


def wait_for_page(url: str, ca_certificate: str, limit_s: float = 300) -> float:
    """Wait until the log-in page answers; returns the seconds. Raises LabError with the last answer and where to look.

    `ca_certificate` is the PEM text of the CA that the site is trusted by; empty for those that this machine trusts.
    """
    began, last = time.monotonic(), "no answer"
    context = ssl.create_default_context(cadata=ca_certificate or None)
    while time.monotonic() - began < limit_s:
        try:
            with urllib.request.urlopen(f"{url}hub/login", timeout=20, context=context) as answer:  # noqa: S310  the lab's own address
                if answer.status == 200:
                    return time.monotonic() - began
                last = f"status {answer.status}"
        except (urllib.error.URLError, OSError) as error:
            last = str(error)
        time.sleep(1)
    raise LabError(f"{url}hub/login did not answer within {limit_s:.0f} s ({last}); see `make logs SERVICE=hub`")


def pulumi(what: str, arguments: list[str], log: str, timeout_s: float = 600) -> None:
    """Run pulumi in the lab's environment; output in a log."""
    run_logged(what, _shell(arguments), log, timeout_s=timeout_s)


def pulumi_output(arguments: list[str]) -> str:
    """The standard output of a quick pulumi command in the lab's environment."""
    done = subprocess.run(_shell(arguments), capture_output=True, text=True, check=False, timeout=120, cwd=ROOT)
    if done.returncode != 0:
        raise LabError(f"`pulumi {' '.join(arguments)}` failed with status {done.returncode}: {done.stderr.strip()[-800:]}")
    return done.stdout


def _shell(arguments: list[str]) -> list[str]:
    script = f". {shlex.quote(str(ENV_FILE))} && cd {shlex.quote(str(ROOT))} && exec pulumi {shlex.join(arguments)}"
    return ["bash", "-c", script]


def _pending_operations() -> bool:
    deployment = json.loads(pulumi_output(["stack", "export", "--stack", STACK])).get("deployment") or {}
    return bool(deployment.get("pending_operations"))


def _summary(log: str) -> str:
    """The lines under `Resources:` of an `up`, on one line."""
    counts = [line.strip() for line in log.rpartition("Resources:")[2].splitlines() if line.startswith("    ")]
    return ", ".join(counts) or "no summary"
