"""The cloud as people look at it: how it is, and what its services say."""

from __future__ import annotations

import subprocess

from lab import cloud_container as container
from lab.cloud_facts import engine_answers, load_facts
from lab.process import LabError, output_of


def status() -> dict[str, str]:
    """How the cloud is, as names and texts for people."""
    found = container.find() if engine_answers() else None
    if found is None:
        return {"cloud": "none; start one: make lab"}
    if not found.running or found.paused:
        return {"cloud": f"{'paused' if found.paused else 'stopped'}; start it: make lab", "machines": str(found.machines)}
    services = found.report.get("services", {})
    restarted = [f"{name} ({service['restarts']})" for name, service in services.items() if service["restarts"]]
    used = output_of(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", container.CONTAINER])
    facts = load_facts()
    return {
        "cloud": f"ready for {found.age:.0f} s" if found.ready else f"not ready, waits for {container.waiting(found.report)}",
        "services": f"{sum(service['up'] for service in services.values())} of {len(services)} up",
        "started again": ", ".join(restarted) or "none",
        "machines": str(found.machines),
        "API": str(facts.get("auth_url", "")),
        "floating IPs": found.labels.get(f"{container.LABEL}.floating", ""),
        "KVM": f"{found.labels.get(f'{container.LABEL}.kvm')} ({facts.get('kvm_reason', '')})",
        "memory": used,
        "image": found.image,
    }


def logs(service: str = "", lines: int = 200) -> str:
    """The end of a service's log, also of a stopped cloud; without a service the supervisor's, and the names to choose from."""
    folder = "/var/log/lab"
    done = subprocess.run(["docker", "cp", f"{container.CONTAINER}:{folder}", "-"], capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise LabError(f"there are no logs: {done.stderr.decode(errors='replace').strip()}; start a cloud: make lab")
    texts = container.files_of_tar(done.stdout)
    if not service:
        return f"{container.last_lines(lines)}\n\nlogs of services: {', '.join(sorted(texts))}  (make logs SERVICE=name)"
    if service not in texts:
        raise LabError(f"there is no service {service!r}; there are: {', '.join(sorted(texts))}")
    return "\n".join(texts[service].splitlines()[-lines:])
