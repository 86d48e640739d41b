"""Settings are read once and checked before the first resource; what is refused is refused with key, value, rule and remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from components import schema
from components.settings import Settings, SettingsError, load
from components.sign_in import Auth
from tests.unit.conftest import PUBLIC_KEY
from tests.unit.refused_sign_in import REFUSED_SIGN_IN

LoadStack = Callable[..., Settings]
NO_FOLDER = "./images/none"

# For every key a value that is refused, and the whole line that its user reads.
REFUSED = {
    "image": ("", "image: '' must be set: the image's name, as `openstack image list` prints it"),
    "managerFlavor": ("", "managerFlavor: '' must be set: a flavor of `openstack flavor list`"),
    "workerFlavor": ("", "workerFlavor: '' must be set: a flavor of `openstack flavor list`"),
    "workers": ("51", "workers: '51' must be a whole number from 0 to 50"),
    "externalNetwork": ("", "externalNetwork: '' must be set: see `openstack network list --external`"),
    "subnetCidr": (
        "10.20.0.9/24",
        "subnetCidr: '10.20.0.9/24' must be an IPv4 range such as 10.20.0.0/24 (10.20.0.9/24 has host bits set)",
    ),
    "dnsNameservers": ('["dns.example.org"]', "dnsNameservers: 'dns.example.org' must be an IPv4 address such as 10.20.0.10"),
    "sshUser": ("Root", "sshUser: 'Root' must be the image's default user, such as ubuntu or debian"),
    "sshPublicKeyFile": (
        "none.pub",
        "sshPublicKeyFile: 'none.pub' cannot be read (No such file or directory): "
        "make a pair with `ssh-keygen -t ed25519`, or set sshPublicKeyFile",
    ),
    "sshPrivateKeyFile": (
        "none",
        "sshPrivateKeyFile: 'none' cannot be read (No such file or directory): "
        "set sshPrivateKeyFile to the key that belongs to sshPublicKeyFile",
    ),
    "sshAllowedCidrs": (
        '["home"]',
        "sshAllowedCidrs: 'home' must be an IPv4 range such as 10.20.0.0/24 (Expected 4 octets in 'home')",
    ),
    "swarmAddressPool": (
        "10.200.0.0/24",
        "swarmAddressPool: '10.200.0.0/24' must be a private range of at least a /20, such as 10.200.0.0/16",
    ),
    "hubImage": (NO_FOLDER, f"hubImage: '{NO_FOLDER}' names a folder to build, but {NO_FOLDER}/Dockerfile does not exist"),
    "userproxyImage": ("chp", "userproxyImage: 'chp' has no tag; write a full reference such as chp:1.0"),
    "proxyImage": (
        "host:5000/nginx",
        "proxyImage: 'host:5000/nginx' has no tag; write a full reference such as host:5000/nginx:1.0",
    ),
    "notebookImage": ("", "notebookImage: '' has no tag; write a full reference such as :1.0"),
    "buildCaFile": (
        "none.pem",
        "buildCaFile: 'none.pem' cannot be read (No such file or directory): set it to a PEM file, or leave it empty",
    ),
    "storage": ("nfs", "storage: 'nfs' must be one of manager, dedicated, none"),
    "storageFlavor": ("", "storageFlavor: '' must be set: a flavor of `openstack flavor list`"),
    "stateSize": ("0", "stateSize: '0' must be a whole number from 1 to 1000"),
    "homesSize": ("1T", "homesSize: '1T' must be a whole number from 1 to 100000"),
    "homeQuota": ("1M", "homeQuota: '1M' is too small for a home: 32M at least"),
    "homeQuotas": ('{"ada": "much"}', "homeQuotas.ada: 'much' must be a size above 0, such as 512M or 2G"),
    "sharedFolder": ("yes", "sharedFolder: 'yes' must be true or false"),
    "keepData": ("1", "keepData: '1' must be true or false"),
    "backup": (
        '{"schedule": "daily"}',
        'backup: \'{"schedule": "daily"}\' needs a repository, '
        "such as s3:https://objects.example.org/backup or sftp:me@host:/backup",
    ),
    "domain": ("http://hub", "domain: 'http://hub' must be a host name such as hub.example.org, without scheme or path"),
    "https": ("tls", "https: 'tls' must be one of letsencrypt, selfsigned, provided, none"),
    "allowPlainHttp": ("yes", "allowPlainHttp: 'yes' must be true or false"),
    "acmeServer": (
        "http://ca.example.org",
        "acmeServer: 'http://ca.example.org' must be letsencrypt, letsencrypt-staging or the https URL of an ACME directory",
    ),
    "acmeEmail": ("ada", "acmeEmail: 'ada' must be one e-mail address such as ada@example.org, or empty"),
    "acmeProfile": ("six days", "acmeProfile: 'six days' must be the name of a profile of the CA, such as shortlived, or empty"),
    "acmeCaFile": (
        "none.pem",
        "acmeCaFile: 'none.pem' cannot be read (No such file or directory): set it to a PEM file, or leave it empty",
    ),
    "hsts": ("-1", "hsts: '-1' must be a whole number from 0 to 63072000"),
    "uploadLimit": ("512", "uploadLimit: '512' must be a size above 0, such as 512M or 2G"),
    "title": (
        "Physics  101",
        "title: 'Physics  101' must be one line of 1 to 60 characters, with single spaces between words, such as Physics 101",
    ),
    **REFUSED_SIGN_IN,
    "notebookCpuLimit": ("many", "notebookCpuLimit: 'many' must be a number of CPUs above 0, such as 0.5 or 2"),
    "notebookCpuGuarantee": ("0", "notebookCpuGuarantee: '0' must be a number of CPUs above 0, such as 0.5 or 2"),
    "notebookMemoryLimit": ("2GB", "notebookMemoryLimit: '2GB' must be a size above 0, such as 512M or 2G"),
    "notebookMemoryGuarantee": ("1", "notebookMemoryGuarantee: '1' must be a size above 0, such as 512M or 2G"),
}


@pytest.fixture
def load_stack(stack_values: dict[str, str]) -> LoadStack:
    """Loads the right settings with the changes that a test names."""

    def load_changed(**changes: str) -> Settings:
        return load({**stack_values, **changes}.get, schema.load())

    return load_changed


def refusals(load_stack: LoadStack, **changes: str) -> list[str]:
    """The lines of the error that loading ends with."""
    with pytest.raises(SettingsError) as refused:
        load_stack(**changes)
    first, *lines = str(refused.value).splitlines()
    assert first == "the stack's settings cannot be used:"
    return [line.removeprefix("  - ") for line in lines]


@pytest.mark.parametrize("key", REFUSED)
def test_a_refusal_names_key_value_rule_and_remedy(load_stack: LoadStack, key: str) -> None:
    value, line = REFUSED[key]
    assert refusals(load_stack, **{key: value}) == [line]


def test_every_key_but_free_names_and_texts_has_a_rule() -> None:
    assert set(schema.load()) - set(REFUSED) == {"network", "volumeType", "announcement"}


def test_all_faults_are_reported_together(load_stack: LoadStack) -> None:
    lines = refusals(load_stack, **{key: value for key, (value, _) in REFUSED.items()})
    assert lines == [line for _, line in REFUSED.values()]


@pytest.mark.parametrize("text", ["ada", '{"ada": 1}', "[1]", '"ada"', "null"])
def test_a_list_that_is_none_is_refused_with_the_command_that_sets_one(load_stack: LoadStack, text: str) -> None:
    assert refusals(load_stack, admins=text) == [
        f"admins: {text!r} must be a list of strings: pulumi config set --path 'admins[0]' VALUE"
    ]


def test_a_swarm_whose_networks_would_hide_the_nodes_is_refused(load_stack: LoadStack) -> None:
    assert refusals(load_stack, subnetCidr="10.200.7.0/24") == [
        "swarmAddressPool: 10.200.0.0/16 overlaps subnetCidr 10.200.7.0/24; "
        "containers could not reach the nodes: choose a range apart, such as 10.200.0.0/16"
    ]


def test_the_subnet_does_not_count_on_an_existing_network(load_stack: LoadStack) -> None:
    assert load_stack(subnetCidr="10.200.7.0/24", network="lab").network == "lab"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"notebookCpuGuarantee": "2.5"},
            "notebookCpuGuarantee: 2.5 is more than notebookCpuLimit 2; lower it or raise the limit",
        ),
        (
            {"notebookMemoryGuarantee": "3G", "notebookMemoryLimit": "512M"},
            "notebookMemoryGuarantee: 3072M is more than notebookMemoryLimit 512M; lower it or raise the limit",
        ),
    ],
)
def test_a_guarantee_beyond_the_limit_is_refused(load_stack: LoadStack, changes: dict[str, str], line: str) -> None:
    assert refusals(load_stack, **changes) == [line]


def test_a_guarantee_may_equal_the_limit(load_stack: LoadStack) -> None:
    settings = load_stack(notebookMemoryGuarantee="2G", notebookMemoryLimit="2G")
    assert settings.notebook_memory_guarantee == settings.notebook_memory_limit == 2 * 1024**3


def test_native_sign_in_without_an_admin_is_refused_and_dummy_is_not(load_stack: LoadStack) -> None:
    assert refusals(load_stack, admins="[]") == [
        "admins: empty, but with auth native an admin must admit the others; name at least one user"
    ]
    assert load_stack(admins="[]", auth="dummy").admins == ()


def test_a_stack_that_nobody_may_reach_by_ssh_is_refused(load_stack: LoadStack) -> None:
    assert refusals(load_stack, sshAllowedCidrs="[]") == [
        "sshAllowedCidrs: empty, but `pulumi up` uses ssh; name this computer's address, such as 192.0.2.7/32"
    ]


def test_contradictions_are_reported_together(load_stack: LoadStack) -> None:
    keys = [
        line.split(":")[0] for line in refusals(load_stack, admins="[]", notebookCpuLimit="0.05", swarmAddressPool="10.0.0.0/8")
    ]
    assert keys == ["swarmAddressPool", "notebookCpuGuarantee", "admins"]


def test_what_is_not_set_has_the_default_of_the_project_file(load_stack: LoadStack) -> None:
    settings, keys = load_stack(), schema.load()
    assert settings.workers == int(keys["workers"].default)
    assert settings.manager_flavor == keys["managerFlavor"].default
    assert settings.ssh_allowed_cidrs == tuple(keys["sshAllowedCidrs"].default)
    assert settings.notebook_image.reference == keys["notebookImage"].default


def test_values_come_in_the_types_and_units_that_the_program_works_with(load_stack: LoadStack) -> None:
    settings = load_stack(
        auth="dummy",
        notebookMemoryLimit="1.5G",
        notebookCpuLimit="4",
        dnsNameservers='[" 192.0.2.53 "]',
        domain="Hub.Example.org",
    )
    assert settings.auth is Auth.DUMMY
    assert settings.notebook_memory_limit == 1536 * 1024**2
    assert settings.notebook_cpu_limit == 4.0
    assert settings.dns_nameservers == ("192.0.2.53",)
    assert settings.domain == "hub.example.org"
    assert settings.ssh_public_key == PUBLIC_KEY.strip()
    assert settings.hub_image.context is not None


def test_blanks_around_a_value_do_not_count(load_stack: LoadStack) -> None:
    assert load_stack(workers=" 3 ", image=" debian-13\n").image == "debian-13"


def test_settings_cannot_be_changed_after_they_were_checked(load_stack: LoadStack) -> None:
    settings = load_stack()
    for field in fields(settings):
        with pytest.raises(AttributeError):
            setattr(settings, field.name, None)


@pytest.mark.parametrize("key", ["homeQuotas", "backup"])
@pytest.mark.parametrize("text", ["ada", "[1]", "null"])
def test_an_object_that_is_none_is_refused_with_the_command_that_sets_one(load_stack: LoadStack, key: str, text: str) -> None:
    assert refusals(load_stack, **{key: text}) == [
        f"{key}: {text!r} must be an object: pulumi config set --path '{key}[\"NAME\"]' VALUE"
    ]


def test_users_of_any_name_may_have_homes_of_their_own_size(load_stack: LoadStack) -> None:
    settings = load_stack(homeQuotas='{"ada@example.org": "50G", "Grace H.": "64M"}')
    assert settings.home_quotas == {"ada@example.org": 50 * 1024**3, "Grace H.": 64 * 1024**2}


def test_a_home_larger_than_the_whole_volume_is_refused(load_stack: LoadStack) -> None:
    assert refusals(load_stack, homesSize="5", homeQuotas='{"ada": "6G"}') == [
        "homeQuota: 10G is more than the whole volume of the homes, homesSize 5G",
        "homeQuotas.ada: 6G is more than the whole volume of the homes, homesSize 5G",
    ]
    assert load_stack(homesSize="5", homeQuota="5G").home_quota == 5 * 1024**3
    assert load_stack(homesSize="5", storage="none").storage == "none"
