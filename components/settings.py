"""The settings of a stack: read once, checked before the first resource, and never looked up again.

Types and defaults stand in Pulumi.yaml. Every refusal names the key, the value, the rule and the remedy, and all
refusals of a stack are reported together.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pulumi

from components import https, profiles, rules
from components.backup import BackupPlan
from components.https import Https
from components.image_source import ImageSource
from components.profiles import Profile
from components.schema import Key
from components.settings_reader import Reader

MIB, GIB = 1024**2, 1024**3


class SettingsError(pulumi.RunError, ValueError):  # RunError: the engine shows the text without a traceback
    """One or more settings of the stack are refused; the text lists them all."""


class Auth(enum.StrEnum):
    """How people sign in."""

    NATIVE = "native"
    DUMMY = "dummy"


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
    https: Https
    allow_plain_http: bool
    acme_server: str
    acme_email: str
    acme_profile: str
    acme_ca: str
    hsts: int
    upload_limit: int
    title: str
    auth: Auth
    admins: tuple[str, ...]
    notebook_cpu_limit: float
    notebook_cpu_guarantee: float
    notebook_memory_limit: int
    notebook_memory_guarantee: int
    profiles: tuple[Profile, ...]
    worker_labels: dict[str, tuple[str, ...]]
    room_timeout: int

    @property
    def standard(self) -> Profile:
        """The server that the notebook* settings describe: the only kind without profiles, and what each of those starts from."""
        return Profile(
            name="standard",
            description="",
            image=self.notebook_image,
            cpu_limit=self.notebook_cpu_limit,
            cpu_guarantee=self.notebook_cpu_guarantee,
            memory_limit=self.notebook_memory_limit,
            memory_guarantee=self.notebook_memory_guarantee,
            node_label="",
            gpus=0,
        )


def load(
    get: Callable[[str], str | None], keys: Mapping[str, Key], secret: Callable[[str], str | None] = lambda _: None
) -> Settings:
    """Read and check every setting. `get` answers the raw text of a key or None, as `pulumi.Config().get` does; `secret` that of
    a secret, which is checked and not kept.

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
        https=reader.checked("https", rules.choice(Https), Https.LETSENCRYPT),
        allow_plain_http=reader.checked("allowPlainHttp", rules.boolean, False),
        acme_server=reader.checked("acmeServer", https.acme_server),
        acme_email=reader.checked("acmeEmail", rules.email),
        acme_profile=reader.checked("acmeProfile", https.acme_profile),
        acme_ca=reader.checked("acmeCaFile", rules.certificates),
        hsts=reader.checked("hsts", rules.whole_number(0, 63_072_000), 0),
        upload_limit=reader.checked("uploadLimit", rules.size, 0),
        title=reader.checked("title", rules.title),
        auth=reader.checked("auth", rules.choice(Auth), Auth.NATIVE),
        admins=tuple(reader.each("admins", rules.not_empty("the name that the admin signs in with"))),
        notebook_cpu_limit=reader.checked("notebookCpuLimit", rules.cpus, 0.0),
        notebook_cpu_guarantee=reader.checked("notebookCpuGuarantee", rules.cpus, 0.0),
        notebook_memory_limit=reader.checked("notebookMemoryLimit", rules.size, 0),
        notebook_memory_guarantee=reader.checked("notebookMemoryGuarantee", rules.size, 0),
        profiles=(),
        worker_labels=dict(reader.entries("workerLabels", profiles.labels)),
        room_timeout=reader.checked("roomTimeout", rules.whole_number(5, 240), 60),
    )
    kinds = reader.objects("profiles", lambda values: Profile.parse(values, settings.standard))
    settings = replace(settings, profiles=tuple(kinds) or (settings.standard,))
    problems = reader.problems or [*_contradictions(settings), *_certificate_faults(settings, secret)]
    if problems:
        raise SettingsError("the stack's settings cannot be used:\n" + "\n".join(f"  - {line}" for line in problems))
    return settings


def secret_text(name: str) -> str | None:
    """The plain text of a secret of the stack, for `load` to check before the first resource. Config.get would warn of it."""
    text = pulumi.runtime.get_config(f"{pulumi.get_project()}:{name}")
    return None if text is None else str(text)


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
    for name in profiles.twice(settings.profiles):
        yield f"profiles: {name!r} is the name of more than one; people choose by the name: rename one"
    for node in settings.worker_labels:
        if not re.fullmatch(r"worker-\d+", node) or int(node.removeprefix("worker-")) >= settings.workers:
            yield f"workerLabels.{node}: there is no such worker; they are worker-0 to worker-{settings.workers - 1}"
    yield from _nowhere(settings)
    if not settings.ssh_allowed_cidrs:
        yield "sshAllowedCidrs: empty, but `pulumi up` uses ssh; name this computer's address, such as 192.0.2.7/32"
    if settings.auth is Auth.NATIVE and not settings.admins:
        yield "admins: empty, but with auth native an admin must admit the others; name at least one user"
    yield from https.contradictions(settings.https, settings.domain, settings.allow_plain_http)


def _certificate_faults(settings: Settings, secret: Callable[[str], str | None]) -> Iterator[str]:
    if settings.https is Https.PROVIDED:
        yield from https.provided_faults(secret(https.CERTIFICATE), secret(https.KEY), settings.domain)


def _nowhere(settings: Settings) -> Iterator[str]:
    """Profiles whose label no node has."""
    labels = {label.replace("=", "==", 1) for node in settings.worker_labels.values() for label in node}
    for profile in settings.profiles:
        if profile.node_label and profile.node_label not in labels:
            yield (
                f"profiles: {profile.name!r} wants a node with the label {profile.node_label.replace('==', '=')}, which none "
                "has; set it for a worker: pulumi config set --path 'workerLabels[\"worker-0\"]' LABEL"
            )
