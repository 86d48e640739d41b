"""The settings of a stack: read once, checked before the first resource, and never looked up again.

Types and defaults stand in Pulumi.yaml. Every refusal names the key, the value, the rule and the remedy, and all
refusals of a stack are reported together.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import rules, schema, sign_in
from components.backup import BackupPlan
from components.image_source import ImageSource
from components.schema import Key
from components.settings_reader import Reader
from components.sign_in import Auth

MIB, GIB = 1024**2, 1024**3


class SettingsError(pulumi.RunError, ValueError):  # RunError: the engine shows the text without a traceback
    """One or more settings of the stack are refused; the text lists them all."""


class Storage(enum.StrEnum):
    """Where homes are."""

    MANAGER = "manager"
    DEDICATED = "dedicated"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the user chose. Sizes are bytes (those of volumes GiB), CPUs are cores, empty strings mean "not set"."""

    image: str
    manager_flavor: str
    worker_flavor: str
    workers: int
    external_network: str
    network: str
    subnet_cidr: str
    dns_nameservers: tuple[str, ...]
    ssh_user: str
    ssh_public_key: str
    ssh_private_key_file: str
    ssh_allowed_cidrs: tuple[str, ...]
    swarm_address_pool: str
    hub_image: ImageSource
    userproxy_image: ImageSource
    proxy_image: ImageSource
    notebook_image: ImageSource
    build_ca: str
    storage: Storage
    storage_flavor: str
    state_size: int
    homes_size: int
    volume_type: str
    home_quota: int
    home_quotas: dict[str, int]
    shared_folder: bool
    keep_data: bool
    backup: BackupPlan | None
    domain: str
    auth: Auth
    oauth: dict[str, Any]
    admins: tuple[str, ...]
    allowed_users: tuple[str, ...]
    allow_dummy_on_public_address: bool
    hub_extra_config: str
    announcement: str
    idle_timeout: int
    max_age: int
    named_servers: int
    concurrent_spawn_limit: int
    active_server_limit: int
    notebook_cpu_limit: float
    notebook_cpu_guarantee: float
    notebook_memory_limit: int
    notebook_memory_guarantee: int


def names_set(project: str) -> list[str]:
    """The names under which the stack's config has values for the project, secret or not."""
    values = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    return [name.removeprefix(f"{project}:") for name in values if name.startswith(f"{project}:")]


def load(get: Callable[[str], str | None], keys: Mapping[str, Key], names: Iterable[str] = ()) -> Settings:
    """Read and check every setting. `get` answers the raw text of a key or None, as `pulumi.Config().get` does; `names` are
    those that the stack has values for, so that a misspelt one is noticed.

    Raises SettingsError with one line for each refused value.
    """
    reader = Reader(get, keys)
    settings = Settings(
        image=reader.checked("image", rules.not_empty("the image's name, as `openstack image list` prints it")),
        manager_flavor=reader.checked("managerFlavor", rules.not_empty("a flavor of `openstack flavor list`")),
        worker_flavor=reader.checked("workerFlavor", rules.not_empty("a flavor of `openstack flavor list`")),
        workers=reader.checked("workers", rules.whole_number(0, 50), 0),
        external_network=reader.checked("externalNetwork", rules.not_empty("see `openstack network list --external`")),
        network=reader.text("network"),
        subnet_cidr=reader.checked("subnetCidr", rules.cidr),
        dns_nameservers=tuple(reader.each("dnsNameservers", rules.address)),
        ssh_user=reader.checked("sshUser", rules.user_name),
        ssh_public_key=reader.checked("sshPublicKeyFile", rules.public_key),
        ssh_private_key_file=reader.checked("sshPrivateKeyFile", rules.private_key),
        ssh_allowed_cidrs=tuple(dict.fromkeys(reader.each("sshAllowedCidrs", rules.cidr))),
        swarm_address_pool=reader.checked("swarmAddressPool", rules.address_pool),
        hub_image=reader.checked("hubImage", ImageSource.parse, _NO_IMAGE),
        userproxy_image=reader.checked("userproxyImage", ImageSource.parse, _NO_IMAGE),
        proxy_image=reader.checked("proxyImage", ImageSource.parse, _NO_IMAGE),
        notebook_image=reader.checked("notebookImage", ImageSource.parse, _NO_IMAGE),
        build_ca=reader.checked("buildCaFile", rules.certificates),
        storage=reader.checked("storage", rules.choice(Storage), Storage.MANAGER),
        storage_flavor=reader.checked("storageFlavor", rules.not_empty("a flavor of `openstack flavor list`")),
        state_size=reader.checked("stateSize", rules.whole_number(1, 1000), 0),
        homes_size=reader.checked("homesSize", rules.whole_number(1, 100_000), 0),
        volume_type=reader.text("volumeType"),
        home_quota=reader.checked("homeQuota", rules.home_size, 0),
        home_quotas=dict(reader.entries("homeQuotas", rules.home_size)),
        shared_folder=reader.checked("sharedFolder", rules.boolean, False),
        keep_data=reader.checked("keepData", rules.boolean, True),
        backup=reader.whole("backup", BackupPlan.parse),
        domain=reader.checked("domain", rules.host_name),
        auth=reader.checked("auth", rules.choice(Auth), Auth.NATIVE),
        oauth=reader.structure("oauth"),
        admins=tuple(reader.each("admins", rules.hub_user("the name that the admin signs in with"))),
        allowed_users=tuple(reader.each("allowedUsers", rules.hub_user("the name that the user signs in with"))),
        allow_dummy_on_public_address=reader.checked("allowDummyOnPublicAddress", rules.boolean, False),
        hub_extra_config=reader.checked("hubExtraConfig", rules.python_file),
        announcement=reader.text("announcement"),
        idle_timeout=reader.checked("idleTimeout", rules.duration(600), 0),
        max_age=reader.checked("maxAge", rules.duration(600), 0),
        named_servers=reader.checked("namedServers", rules.whole_number(0, 20), 0),
        concurrent_spawn_limit=reader.checked("concurrentSpawnLimit", rules.whole_number(0, 1000), 0),
        active_server_limit=reader.checked("activeServerLimit", rules.whole_number(0, 10_000), 0),
        notebook_cpu_limit=reader.checked("notebookCpuLimit", rules.cpus, 0.0),
        notebook_cpu_guarantee=reader.checked("notebookCpuGuarantee", rules.cpus, 0.0),
        notebook_memory_limit=reader.checked("notebookMemoryLimit", rules.size, 0),
        notebook_memory_guarantee=reader.checked("notebookMemoryGuarantee", rules.size, 0),
    )
    faults = [*schema.unknown_names(names, keys), *reader.problems]
    problems = faults or list(_contradictions(settings))
    if problems:
        raise SettingsError("the stack's settings cannot be used:\n" + "\n".join(f"  - {line}" for line in problems))
    return settings


_NO_IMAGE = ImageSource(reference="", context=None)


def _contradictions(settings: Settings) -> Iterator[str]:
    """Rules that concern two settings at once; asked only when each one is valid by itself."""
    if not settings.network and rules.overlap(settings.subnet_cidr, settings.swarm_address_pool):
        yield (
            f"swarmAddressPool: {settings.swarm_address_pool} overlaps subnetCidr {settings.subnet_cidr}; "
            "containers could not reach the nodes: choose a range apart, such as 10.200.0.0/16"
        )
    for kind, low, high, unit in (
        ("Cpu", settings.notebook_cpu_guarantee, settings.notebook_cpu_limit, ""),
        ("Memory", settings.notebook_memory_guarantee / MIB, settings.notebook_memory_limit / MIB, "M"),
    ):
        if low > high:
            yield (
                f"notebook{kind}Guarantee: {low:.10g}{unit} is more than notebook{kind}Limit {high:.10g}{unit}; "
                "lower it or raise the limit"
            )
    for key, size in (("homeQuota", settings.home_quota), *((f"homeQuotas.{n}", s) for n, s in settings.home_quotas.items())):
        if settings.storage is not Storage.NONE and size > settings.homes_size * GIB:
            yield f"{key}: {size / GIB:.10g}G is more than the whole volume of the homes, homesSize {settings.homes_size}G"
    if not settings.ssh_allowed_cidrs:
        yield "sshAllowedCidrs: empty, but `pulumi up` uses ssh; name this computer's address, such as 192.0.2.7/32"
    yield from _about_sign_in(settings)


def _about_sign_in(settings: Settings) -> Iterator[str]:
    if settings.auth is Auth.NATIVE and not settings.admins:
        yield "admins: empty, but with auth native an admin must admit the others; name at least one user"
    if settings.auth in sign_in.ENTRIES and not settings.domain:
        yield f"domain: empty, but auth {settings.auth} sends people back to a host name; set the one that users type"
    if settings.auth is Auth.DUMMY and not settings.allow_dummy_on_public_address:
        yield (
            "auth: dummy lets in whoever has one shared password, under any name, and the hub has a public address; "
            "choose another, or set allowDummyOnPublicAddress to true for a test or a workshop"
        )
    try:
        sign_in.parse(settings.auth, settings.admins, settings.allowed_users, settings.oauth)
    except ValueError as error:
        yield str(error)
