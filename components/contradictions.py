"""Rules that concern several settings at once; asked only when each setting is valid by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from components import https, profiles, provided_certificate, registry, rules, sign_in
from components.https import Https

if TYPE_CHECKING:
    from components.settings import Settings

MIB, GIB = 1024**2, 1024**3


def of(settings: Settings, secret: Callable[[str], str | None]) -> Iterator[str]:
    """What does not go together, one line each. `secret` answers the text of a secret or None."""
    yield from _networks(settings)
    yield from _guarantees(settings)
    yield from _homes(settings)
    yield from _profiles(settings)
    yield from sign_in.contradictions(
        settings.auth,
        settings.admins,
        settings.allowed_users,
        settings.oauth,
        domain=settings.domain,
        dummy_refused=not settings.allow_dummy_on_public_address,
    )
    images = profiles.images(settings.profiles)
    yield from registry.contradictions(settings.registry, settings.registry_user, secret("registryPassword"), images)
    yield from https.contradictions(settings.https, settings.domain, settings.allow_plain_http)
    if settings.https is Https.LETSENCRYPT:
        yield from https.external_account_faults(secret(https.EAB_KEY_ID), secret(https.EAB_HMAC_KEY))
    if settings.https is Https.PROVIDED:
        yield from provided_certificate.faults(
            secret(provided_certificate.CERTIFICATE), secret(provided_certificate.KEY), settings.domain
        )


def _networks(settings: Settings) -> Iterator[str]:
    if not settings.network and rules.overlap(settings.subnet_cidr, settings.swarm_address_pool):
        yield (
            f"swarmAddressPool: {settings.swarm_address_pool} overlaps subnetCidr {settings.subnet_cidr}; "
            "containers could not reach the nodes: choose a range apart, such as 10.200.0.0/16"
        )
    if not settings.ssh_allowed_cidrs:
        yield "sshAllowedCidrs: empty, but `pulumi up` uses ssh; name this computer's address, such as 192.0.2.7/32"


def _guarantees(settings: Settings) -> Iterator[str]:
    for kind, low, high, unit in (
        ("Cpu", settings.notebook_cpu_guarantee, settings.notebook_cpu_limit, ""),
        ("Memory", settings.notebook_memory_guarantee / MIB, settings.notebook_memory_limit / MIB, "M"),
    ):
        if low > high:
            yield (
                f"notebook{kind}Guarantee: {low:.10g}{unit} is more than notebook{kind}Limit {high:.10g}{unit}; "
                "lower it or raise the limit"
            )


def _homes(settings: Settings) -> Iterator[str]:
    for key, size in (("homeQuota", settings.home_quota), *((f"homeQuotas.{n}", s) for n, s in settings.home_quotas.items())):
        if settings.lasting_homes and size > settings.homes_size * GIB:
            yield f"{key}: {size / GIB:.10g}G is more than the whole volume of the homes, homesSize {settings.homes_size}G"


def _profiles(settings: Settings) -> Iterator[str]:
    for name in profiles.twice(settings.profiles):
        yield f"profiles: {name!r} is the name of more than one; people choose by the name: rename one"
    for node in settings.worker_labels:
        if not re.fullmatch(r"worker-\d+", node) or int(node.removeprefix("worker-")) >= settings.workers:
            yield f"workerLabels.{node}: there is no such worker; they are worker-0 to worker-{settings.workers - 1}"
    labels = {label.replace("=", "==", 1) for node in settings.worker_labels.values() for label in node}
    for profile in settings.profiles:
        if profile.node_label and profile.node_label not in labels:
            yield (
                f"profiles: {profile.name!r} wants a node with the label {profile.node_label.replace('==', '=')}, which none "
                "has; set it for a worker: pulumi config set --path 'workerLabels[\"worker-0\"]' LABEL"
            )
