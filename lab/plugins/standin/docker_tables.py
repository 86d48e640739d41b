"""The fields of networks, volumes, configs and secrets, as the vendor's plugin 5.1.0 names them.

Any change of one of these makes a new object: Docker has no way to change them.
"""

from typing import Final

from standin.docker_fields import (
    ApiField,
    ApiFields,
    base64_rule,
    blocks,
    flag,
    labels,
    mapping,
    name_rule,
    text,
)

NAME: Final[ApiField] = text("Name", replaces=True, rule=name_rule)

_IPAM_CONFIG: Final[ApiFields] = {
    "subnet": text("Subnet", replaces=True),
    "ipRange": text("IPRange", replaces=True),
    "gateway": text("Gateway", replaces=True),
}

NETWORK: Final[ApiFields] = {
    "name": NAME,
    "driver": text("Driver", replaces=True, keeps=True),
    "attachable": flag("Attachable", replaces=True),
    "internal": flag("Internal", replaces=True, keeps=True),
    "labels": labels(replaces=True),
    "options": mapping("Options", replaces=True, keeps=True),
    "ipamDriver": text("IPAM.Driver", replaces=True, default="default"),
    "ipamConfigs": blocks("IPAM.Config", _IPAM_CONFIG, replaces=True, keeps=True, unordered=True),
}

VOLUME: Final[ApiFields] = {
    "name": NAME,
    "driver": text("Driver", replaces=True, keeps=True),
    "driverOpts": mapping("DriverOpts", replaces=True),
    "labels": labels(replaces=True),
}

CONFIG: Final[ApiFields] = {
    "name": NAME,
    "data": text("Data", required=True, replaces=True, rule=base64_rule),
    "labels": labels(replaces=True),
}

SECRET: Final[ApiFields] = {
    "name": NAME,
    # The API takes a secret's data and never shows it.
    "data": text("Data", required=True, replaces=True, secret=True, shown=False, rule=base64_rule),
    "labels": labels(replaces=True),
}
