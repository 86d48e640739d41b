"""The fields of a service's containers, as the vendor's plugin 5.1.0 names them, with what it sends for those left out.

`absent` values matter: without `stopGracePeriod`, say, the vendor's plugin sends 0 and Docker kills at once.
"""

from typing import Final

from standin.docker_codecs import HOSTS, PERIOD
from standin.docker_fields import (
    ApiFields,
    block,
    blocks,
    count,
    duration,
    environment,
    flag,
    labels,
    mapping,
    text,
    texts,
)

_MOUNT: Final[ApiFields] = {
    "target": text("Target", required=True),
    "source": text("Source"),
    "type": text("Type", required=True, choices=("bind", "volume", "tmpfs")),
    "readOnly": flag("ReadOnly"),
    "bindOptions": block(
        "BindOptions",
        {
            "propagation": text(
                "Propagation",
                default="rprivate",
                choices=("private", "rprivate", "shared", "rshared", "slave", "rslave"),
            )
        },
    ),
    "volumeOptions": block(
        "VolumeOptions",
        {
            "noCopy": flag("NoCopy"),
            "labels": labels(),
            "driverName": text("DriverConfig.Name"),
            "driverOptions": mapping("DriverConfig.Options"),
        },
    ),
    "tmpfsOptions": block("TmpfsOptions", {"sizeBytes": count("SizeBytes"), "mode": count("Mode")}),
}


def _file_reference(kind: str) -> ApiFields:
    return {
        f"{kind}Id": text(f"{kind.title()}ID", required=True),
        f"{kind}Name": text(f"{kind.title()}Name"),
        "fileName": text("File.Name", required=True),
        "fileUid": text("File.UID", default="0"),
        "fileGid": text("File.GID", default="0"),
        "fileMode": count("File.Mode", default=0o444),
    }


_HEALTHCHECK: Final[ApiFields] = {
    "tests": texts("Test"),
    "interval": duration("Interval", PERIOD, default="0s"),
    "timeout": duration("Timeout", PERIOD, default="0s"),
    "startPeriod": duration("StartPeriod", PERIOD, default="0s"),
    "retries": count("Retries", default=0),
}

CONTAINER: Final[ApiFields] = {
    "image": text("Image", required=True),
    "labels": labels(replaces=True),
    "commands": texts("Command"),
    "args": texts("Args"),
    "hostname": text("Hostname"),
    "env": environment("Env"),
    "dir": text("Dir"),
    "user": text("User"),
    "groups": texts("Groups"),
    "readOnly": flag("ReadOnly"),
    "mounts": blocks("Mounts", _MOUNT, unordered=True),
    "stopSignal": text("StopSignal"),
    "stopGracePeriod": duration("StopGracePeriod", keeps=True, absent=0),
    "healthcheck": block("Healthcheck", _HEALTHCHECK, keeps=True, absent={}),
    "hosts": blocks(
        "Hosts",
        {"ip": text("", required=True), "host": text("", required=True)},
        codec=HOSTS,
        unordered=True,
        replaces=True,
    ),
    "dnsConfig": block(
        "DNSConfig",
        {"nameservers": texts("Nameservers", required=True), "searches": texts("Search"), "options": texts("Options")},
        keeps=True,
        absent={},
    ),
    "secrets": blocks("Secrets", _file_reference("secret"), unordered=True),
    "configs": blocks("Configs", _file_reference("config"), unordered=True),
    "isolation": text("Isolation", default="default", choices=("default", "process", "hyperv")),
    "sysctl": mapping("Sysctls", replaces=True),
    "capAdds": texts("CapabilityAdd"),
    "capDrops": texts("CapabilityDrop"),
    "init": flag("Init", keeps=True, absent=False),
}
