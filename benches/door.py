"""`make bench-door`: what the front door costs. A small static file of a notebook server, asked for directly, through the user
proxy, through our NGINX, and through NGINX as the tutorial of 2017 had it, in turns on this machine's Docker engine.

Prints, for each way, the median over the rounds of requests per second and of the latencies p50 and p99, and the ratios.
Measured with wrk over connections that are kept, as browsers keep them. Nothing stays behind but the images.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from components.image_source import ImageSource
from components.proxy import nginx_configs
from lab import apt, images
from lab.process import output_of, say

PREFIX = "bench-door"
TUTORIAL = Path(__file__).with_name("door_2017.conf")
FILE = "/user/ada/static/logo/logo.png"  # 6 kB of jupyter_server's own
WARM_UP_S = 2
TOKEN = "bench"  # noqa: S105
# The way's name, and what wrk asks.
WAYS = {
    "notebook": f"http://notebook:8888{FILE}",
    "user proxy": f"http://userproxy:8000{FILE}",
    "NGINX of 2017": f"http://tutorial:80{FILE}",
    "our NGINX": f"http://door:80{FILE}",
    "NGINX of 2017, https": f"https://tutorial:443{FILE}",
    "our NGINX, https": f"https://door-tls:443{FILE}",
}
COMPARED = (("our NGINX", "NGINX of 2017"), ("our NGINX, https", "NGINX of 2017, https"), ("our NGINX", "user proxy"))


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run of wrk, or the medians of several: requests per second, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def main() -> None:
    """Set all up, measure in turns, print."""
    parser = argparse.ArgumentParser(prog="bench-door", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4, help="of each way in each round")
    parser.add_argument("--connections", type=int, default=16)
    chosen = parser.parse_args()
    with site() as load:
        seen: dict[str, list[Figures]] = {way: [] for way in WAYS}
        for way in WAYS:
            measure(load, way, WARM_UP_S, chosen.connections)
        for number in range(chosen.rounds):
            say(f"round {number + 1} of {chosen.rounds}")
            for way in WAYS:
                seen[way].append(measure(load, way, chosen.seconds, chosen.connections))
    print(table(seen))


def table(seen: dict[str, list[Figures]]) -> str:
    """The medians of each way, then the ratios: medians of those within each round, since the machine's load changes."""
    lines = [f"{'WAY':<22} {'REQUESTS/S':>10} {'P50 MS':>8} {'P99 MS':>8}"]
    for way, runs in seen.items():
        rate, p50, p99 = (statistics.median(getattr(run, name) for run in runs) for name in ("rate", "p50", "p99"))
        lines.append(f"{way:<22} {rate:>10.0f} {p50:>8.2f} {p99:>8.2f}")
    lines.append("")
    for one, other in COMPARED:
        pairs = list(zip(seen[one], seen[other], strict=True))
        ratios = {name: statistics.median(getattr(a, name) / getattr(b, name) for a, b in pairs) for name in vars(pairs[0][0])}
        told = ", ".join(
            f"{label} x{ratios[name]:.2f}" for name, label in (("rate", "requests/s"), ("p50", "p50"), ("p99", "p99"))
        )
        lines.append(f"{one} against {other}: {told}")
    return "\n".join(lines)


def measure(load: str, way: str, seconds: int, connections: int) -> Figures:
    """Run wrk once. Raises ValueError if a request failed: what is measured must be the file."""
    wrk = [load, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", WAYS[way]]
    return figures_of(docker("run", "--rm", "--network", PREFIX, *wrk, limit_s=seconds + 60))


def figures_of(report: str) -> Figures:
    """What wrk's report says."""
    trouble = re.search(r"^\s*(Non-2xx.*|Socket errors.*)$", report, re.MULTILINE)
    if trouble:
        raise ValueError(f"not all requests were answered: {trouble.group(1)}")
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    latency = {p: float(n) * units[unit] for p, n, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", report, re.MULTILINE)}
    (rate,) = re.findall(r"^Requests/sec:\s+([\d.]+)$", report, re.MULTILINE)
    return Figures(rate=float(rate), p50=latency["50"], p99=latency["99"])


@contextlib.contextmanager
def site() -> Iterator[str]:
    """All ways, in containers on a network of their own, with the user's route in the user proxy; gives the load's image."""
    images_of = {name: built(f"./{folder}/{name}") for folder, name in
                 (("images", "notebook"), ("images", "userproxy"), ("images", "proxy"), ("benches", "load"))}  # fmt: skip
    names = ("notebook", "userproxy", "tutorial", "door", "door-tls")
    docker("network", "create", PREFIX)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run("notebook", images_of["notebook"], "jupyter", "server", "--ip=0.0.0.0", "--port=8888",
                "--IdentityProvider.token=x", "--ServerApp.base_url=/user/ada/",
                "--ServerApp.allow_remote_access=True")  # fmt: skip
            run("userproxy", images_of["userproxy"], "--ip=0.0.0.0", "--port=8000", "--keep-alive-timeout=75000",
                options=["--env", f"CONFIGPROXY_AUTH_TOKEN={TOKEN}"])  # fmt: skip
            add_route()
            run_nginx(Path(folder), images_of["proxy"])
            yield images_of["load"]
        finally:
            for name in names:
                with contextlib.suppress(Exception):
                    docker("rm", "--force", f"{PREFIX}-{name}")
            docker("network", "rm", PREFIX)


def built(folder: str) -> str:
    """The image of a folder, under a name of the benches: the lab's own images stay as they are."""
    source = ImageSource.parse(folder)
    named = replace(source, reference=source.reference.replace("/", "-bench/", 1))
    images.build(named, apt.extra_ca())
    return named.reference


def run_nginx(folder: Path, image: str) -> None:
    """The three NGINX: that of 2017, ours behind another TLS proxy, and ours with TLS."""
    folder.chmod(0o755)
    tls = folder / "live"
    tls.mkdir()
    openssl = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=door -keyout"
    output_of(["openssl", *openssl.split(), str(tls / "privkey.pem"), "-out", str(tls / "fullchain.pem")])
    (tls / "privkey.pem").chmod(0o644)
    pair = "ssl_certificate /tls/fullchain.pem; ssl_certificate_key /tls/privkey.pem;"
    tutorial = TUTORIAL.read_text().replace("@TLS@", f"listen 443 ssl; {pair}")
    values = {"server_name": "_", "title": "Bench", "userproxy": "userproxy:8000", "upload_limit": 512 * 1024**2, "hsts": 0}
    sites = {
        "tutorial": {"nginx.conf": tutorial},
        "door": nginx_configs(scheme="http", **values),  # type: ignore[arg-type]
        "door-tls": nginx_configs(scheme="https", **values),  # type: ignore[arg-type]
    }
    for name, files in sites.items():
        mounts = ["--volume", f"{tls}:/tls:ro", "--volume", f"{tls}:/var/lib/door/live:ro"]
        for file, text in files.items():
            path = folder / f"{name}-{file}"
            path.write_text(text)
            mounts += ["--volume", f"{path}:/etc/nginx/{file}:ro"]
        run(name, image, "-e", "/dev/stderr", "-g", "daemon off;", options=[*mounts, "--entrypoint", "nginx"])


def run(name: str, image: str, *command: str, options: list[str] | None = None) -> None:
    """A container that is known to the others by its name, with a log that is kept as the swarm's services keep theirs."""
    log = ["--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"]
    docker("run", "--detach", "--name", f"{PREFIX}-{name}", "--network", PREFIX, "--network-alias", name, *log,
           *(options or []), image, *command)  # fmt: skip


def add_route() -> None:
    """Tell the user proxy where the user's server is, once it listens."""
    script = (
        "const until = Date.now() + 30000; const ask = () => fetch('http://localhost:8001/api/routes/user/ada', {method: 'POST', "
        "headers: {Authorization: 'token ' + process.env.CONFIGPROXY_AUTH_TOKEN}, "
        "body: JSON.stringify({target: 'http://notebook:8888'})})"
        ".then(a => process.exit(a.ok ? 0 : 1), e => Date.now() < until ? setTimeout(ask, 200) : process.exit(1)); ask()"
    )
    docker("exec", f"{PREFIX}-userproxy", "node", "-e", script)
    script = f"""import time, urllib.request as u
for _ in range(300):
    try:
        u.urlopen("http://localhost:8888{FILE}"); break
    except OSError:
        time.sleep(0.2)
else: raise SystemExit(1)"""
    docker("exec", f"{PREFIX}-notebook", "python3", "-c", script)


def docker(*arguments: str, limit_s: float = 120) -> str:
    """Run docker and return what it printed. Raises LabError with its complaint."""
    return output_of(["docker", *arguments], timeout_s=limit_s)


if __name__ == "__main__":
    main()
