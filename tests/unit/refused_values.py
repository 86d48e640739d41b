"""For every key a value that is refused, and the whole line that its user reads; and how a refusal is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from components.settings import Settings, SettingsError
from tests.unit.refused_sign_in import REFUSED_SIGN_IN

LoadStack = Callable[..., Settings]
NO_FOLDER = "./images/none"

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
    "registry": (
        "https://ghcr.io",
        "registry: 'https://ghcr.io' must be internal, or a registry as its images are named, such as ghcr.io or "
        "registry.example.org:5000",
    ),
    "registryImage": ("registry", "registryImage: 'registry' has no tag; write a full reference such as registry:1.0"),
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
    "workerLabels": (
        '{"worker-0": "gpu"}',
        "workerLabels.worker-0: 'gpu' must be a label such as gpu=a100 (letters, digits, dots and dashes)",
    ),
    "roomTimeout": ("1", "roomTimeout: '1' must be a whole number from 5 to 240"),
    "profiles": ('[{"cpuLimit": 2}]', "profiles[0]: '{\"cpuLimit\": 2}' needs a name, which people choose it by"),
}


def refusals(load_stack: LoadStack, **changes: str) -> list[str]:
    """The lines of the error that loading ends with."""
    with pytest.raises(SettingsError) as refused:
        load_stack(**changes)
    first, *lines = str(refused.value).splitlines()
    assert first == "the stack's settings cannot be used:"
    return [line.removeprefix("  - ") for line in lines]
