"""Addresses of the lab's cloud on this machine: free ranges, the way to the floating IPs, name servers and packet size."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from lab.process import LabError, output_of

NETWORK, BRIDGE = "jupyterhub-swarm-lab", "br-jhlab"
# In the order of preference; the first of each that touches nothing on this machine is taken.
SUBNETS = ("172.30.0.0/24", "172.30.77.0/24", "192.168.177.0/24", "10.177.0.0/24")
FLOATING = ("172.24.4.0/24", "172.24.77.0/24", "192.168.178.0/24", "10.178.4.0/24")
RESOLV_CONF = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A range of addresses that something on this machine uses already, and what does."""

    network: IPv4Network
    by: str


def choose(what: str, setting: str, candidates: Sequence[str], taken: Iterable[Taken], wished: str = "") -> IPv4Network:
    """The wished range, or else the first candidate that overlaps nothing that is taken.

    `setting` is the environment variable that the wish comes from. Raises LabError with each range and what is in its way.
    """
    taken, refused = list(taken), []
    for text in [wished] if wished else candidates:
        try:
            network = IPv4Network(text)
        except ValueError as trouble:
            raise LabError(f"{setting}={text!r} is no IPv4 range ({trouble}); write one such as {candidates[0]}") from None
        if network.prefixlen > 26:
            raise LabError(f"{setting}={text} has room for {network.num_addresses} addresses; the lab needs a /26 or wider")
        clash = next((other for other in taken if other.network.overlaps(network)), None)
        if clash is None:
            return network
        refused.append(f"    {network} overlaps {clash.network} ({clash.by})")
    refusals = "\n".join(refused)
    raise LabError(f"no free range for {what}:\n{refusals}\n  set {setting} to a free one, such as {setting}=10.211.0.0/24")


def parse_routes(text: str, ignored: frozenset[str]) -> list[Taken]:
    """The ranges in the output of `ip -json route show table all`, but for those of the ignored devices."""
    found = []
    for route in json.loads(text or "[]"):
        device = route.get("dev", "")
        if route.get("dst", "default") == "default" or device in ignored or device == "lo":
            continue
        found.append(Taken(network=IPv4Network(route["dst"], strict=False), by=f"route by {device or 'this machine'}"))
    return found


def parse_docker_networks(text: str, ignored: str) -> list[Taken]:
    """The IPv4 ranges in the output of `docker network inspect`, but for the network with the ignored name."""
    found = []
    for network in json.loads(text or "[]"):
        for entry in (network.get("IPAM") or {}).get("Config") or []:
            if network["Name"] != ignored and ":" not in entry.get("Subnet", ":"):
                found.append(Taken(network=IPv4Network(entry["Subnet"]), by=f"docker network {network['Name']}"))
    return found


def taken_ranges() -> list[Taken]:
    """What this machine's routes, name servers and Docker networks use, the lab's own left out."""
    found = parse_routes(output_of(["ip", "-4", "-json", "route", "show", "table", "all"]), frozenset({BRIDGE}))
    names = output_of(["docker", "network", "ls", "--quiet"]).split()
    if names:
        found += parse_docker_networks(output_of(["docker", "network", "inspect", *names]), NETWORK)
    return found + [Taken(network=IPv4Network(server), by="a name server of this machine") for server in name_servers()]


def parse_name_servers(text: str) -> list[str]:
    """The IPv4 name servers in a resolv.conf that answer beyond the machine itself."""
    words = [line.split() for line in text.splitlines()]
    servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver" and ":" not in line[1]]
    return [server for server in servers if not ipaddress.ip_address(server).is_loopback]


def name_servers() -> list[str]:
    """The name servers that guests may use: those of LAB_DNS, else this machine's. Raises LabError if it has none for them."""
    if os.environ.get("LAB_DNS"):
        return os.environ["LAB_DNS"].split(",")
    for path in RESOLV_CONF:
        if path.exists() and (servers := parse_name_servers(path.read_text(encoding="utf-8"))):
            return servers
    raise LabError(
        "the name servers in /etc/resolv.conf are this machine's own (127.x), which guests cannot reach; "
        "set LAB_DNS to one that they can, such as LAB_DNS=9.9.9.9"
    )


def mtu() -> int:
    """The packet size in bytes of the way out of this machine; 1500 where there is none."""
    routes: list[dict[str, Any]] = json.loads(output_of(["ip", "-4", "-json", "route", "show", "default"]) or "[]")
    for route in routes:
        path = Path("/sys/class/net") / route.get("dev", "") / "mtu"
        if path.is_file():
            return min(1500, int(path.read_text(encoding="ascii")))
    return 1500


def ensure_network(wished_mtu: int) -> IPv4Network:
    """The lab's Docker network, made if it is missing; returns its range, the one it has or the first free one."""
    found = subprocess.run(["docker", "network", "inspect", NETWORK], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return IPv4Network(json.loads(found.stdout)[0]["IPAM"]["Config"][0]["Subnet"])
    if Path("/sys/class/net", BRIDGE).exists():
        raise LabError(
            f"the network device {BRIDGE} exists, but no Docker network has it; if nothing of yours uses it, remove it: "
            f"ip link delete {BRIDGE}"
        )
    subnet = choose("the cloud's container", "LAB_SUBNET", SUBNETS, taken_ranges(), os.environ.get("LAB_SUBNET", ""))
    output_of(
        ["docker", "network", "create", "--subnet", str(subnet), "--gateway", str(subnet[1]),
         "--opt", f"com.docker.network.bridge.name={BRIDGE}", "--opt", f"com.docker.network.driver.mtu={wished_mtu}", NETWORK]
    )  # fmt: skip
    return subnet


def choose_floating(subnet: IPv4Network) -> IPv4Network:
    """A free range for floating IPs, beside the container's own."""
    taken = [*taken_ranges(), Taken(network=subnet, by="the cloud's container")]
    return choose("floating IPs", "LAB_FLOATING", FLOATING, taken, os.environ.get("LAB_FLOATING", ""))


def ensure_route(floating: str, address: str) -> None:
    """Floating IPs are reached through the container. The route goes when the bridge goes."""
    output_of(["ip", "route", "replace", floating, "via", address, "dev", BRIDGE])


def remove_network() -> None:
    """Remove the Docker network and with it the bridge and the route; no harm if they are gone."""
    found = subprocess.run(["docker", "network", "inspect", NETWORK], capture_output=True, check=False)
    if found.returncode == 0:
        output_of(["docker", "network", "rm", NETWORK])
