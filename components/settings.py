"""The settings of a stack: read once, checked before the first resource, and never looked up again.

Types and defaults stand in Pulumi.yaml. Every refusal names the key, the value, the rule and the remedy, and all
refusals of a stack are reported together.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components import contradictions, https, profiles, registry, rules, schema
from components.backup import BackupPlan
from components.https import Https
from components.image_source import ImageSource
from components.profiles import Profile
from components.schema import Key
from components.settings_reader import Reader
from components.sign_in import Auth
from components.user_names import hub_name


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
    registry: str
    registry_user: str
    registry_image: ImageSource
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
    profiles: tuple[Profile, ...]
    worker_labels: dict[str, tuple[str, ...]]
    room_timeout: int

    @property
    def lasting_homes(self) -> bool:
        """Whether homes outlive servers."""
        return self.storage is not Storage.NONE

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


def names_set(project: str) -> list[str]:
    """The names under which the stack's config has values for the project, secret or not."""
    values = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    return [name.removeprefix(f"{project}:") for name in values if name.startswith(f"{project}:")]


def load(
    get: Callable[[str], str | None],
    keys: Mapping[str, Key],
    secret: Callable[[str], str | None] = lambda _: None,
    names: Iterable[str] = (),
) -> Settings:
    """Read and check every setting. `get` answers the raw text of a key or None, as `pulumi.Config().get` does; `secret` that of
    a secret, which is checked and not kept; `names` are those that the stack has values for: a misspelt one is noticed.

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
        registry=reader.checked("registry", registry.server),
        registry_user=reader.text("registryUser"),
        registry_image=reader.checked("registryImage", ImageSource.parse, _NO_IMAGE),
        build_ca=reader.checked("buildCaFile", rules.certificates),
        storage=reader.checked("storage", rules.choice(Storage), Storage.MANAGER),
        storage_flavor=reader.checked("storageFlavor", rules.not_empty("a flavor of `openstack flavor list`")),
        state_size=reader.checked("stateSize", rules.whole_number(1, 1000), 0),
        homes_size=reader.checked("homesSize", rules.whole_number(1, 100_000), 0),
        volume_type=reader.text("volumeType"),
        home_quota=reader.checked("homeQuota", rules.home_size, 0),
        home_quotas=dict(reader.entries("homeQuotas", rules.home_size, hub_name(_PERSON))),
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
        oauth=reader.structure("oauth"),
        admins=reader.names("admins", hub_name("the name that the admin signs in with")),
        allowed_users=reader.names("allowedUsers", hub_name(_PERSON)),
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
        profiles=(),
        worker_labels=dict(reader.entries("workerLabels", profiles.labels)),
        room_timeout=reader.checked("roomTimeout", rules.whole_number(5, 240), 60),
    )
    kinds = reader.objects("profiles", lambda values: Profile.parse(values, settings.standard))
    settings = replace(settings, profiles=tuple(kinds) or (settings.standard,))
    faults = [*schema.unknown_names(names, keys), *reader.problems]
    problems = faults or list(contradictions.of(settings, secret))
    if problems:
        raise SettingsError("the stack's settings cannot be used:\n" + "\n".join(f"  - {line}" for line in problems))
    return settings


def secret_text(name: str) -> str | None:
    """The plain text of a secret of the stack, for `load` to check before the first resource. Config.get would warn of it."""
    text = pulumi.runtime.get_config(f"{pulumi.get_project()}:{name}")
    return None if text is None else str(text)


_PERSON = "the name that the user signs in with"
_NO_IMAGE = ImageSource(reference="", context=None)
