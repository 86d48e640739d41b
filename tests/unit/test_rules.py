"""The rules for single values: what they take, what they refuse, and what they say then."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest

from components import rules

Rule = Callable[[str], Any]


class Fruit(enum.StrEnum):
    APPLE = "apple"
    PLUM = "plum"


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        (rules.not_empty("write it"), "x", "x"),
        (rules.whole_number(0, 50), "0", 0),
        (rules.whole_number(0, 50), "50", 50),
        (rules.whole_number(-3, 3), "-2", -2),
        (rules.choice(Fruit), "plum", Fruit.PLUM),
        (rules.cidr, "10.20.0.0/24", "10.20.0.0/24"),
        (rules.cidr, "0.0.0.0/0", "0.0.0.0/0"),
        (rules.cidr, "192.0.2.7", "192.0.2.7/32"),
        (rules.address, "192.0.2.7", "192.0.2.7"),
        (rules.address_pool, "10.200.0.0/16", "10.200.0.0/16"),
        (rules.address_pool, "192.168.16.0/20", "192.168.16.0/20"),
        (rules.user_name, "ubuntu", "ubuntu"),
        (rules.user_name, "_cloud-user9", "_cloud-user9"),
        (rules.host_name, "", ""),
        (rules.host_name, "Hub.Example.ORG", "hub.example.org"),
        (rules.host_name, "a", "a"),
        (rules.cpus, "2", 2.0),
        (rules.cpus, "0.1", 0.1),
        (rules.size, "512M", 512 * 1024**2),
        (rules.size, "1.5G", 1536 * 1024**2),
        (rules.size, "1T", 1024**4),
        (rules.duration(600), "0", 0),
        (rules.duration(600), "10m", 600),
        (rules.duration(600), "2h", 7200),
        (rules.duration(600), "7d", 604800),
        (rules.certificates, "", ""),
        (rules.python_file, "", ""),
    ],
)
def test_a_rule_gives_the_value_of_a_good_text(rule: Rule, text: str, value: Any) -> None:
    assert rule(text) == value


@pytest.mark.parametrize(
    ("rule", "text", "message"),
    [
        (rules.not_empty("write it"), "", "must be set: write it"),
        (rules.whole_number(0, 50), "51", "must be a whole number from 0 to 50"),
        (rules.whole_number(0, 50), "-1", "must be a whole number from 0 to 50"),
        (rules.whole_number(0, 50), "1.0", "must be a whole number from 0 to 50"),
        (rules.whole_number(0, 50), "three", "must be a whole number from 0 to 50"),
        (rules.whole_number(0, 50), "", "must be a whole number from 0 to 50"),
        (rules.choice(Fruit), "pear", "must be one of apple, plum"),
        (rules.choice(Fruit), "Plum", "must be one of apple, plum"),
        (rules.cidr, "10.20.0.1/24", "must be an IPv4 range such as 10.20.0.0/24 (10.20.0.1/24 has host bits set)"),
        (rules.cidr, "fd00::/64", "must be an IPv4 range such as 10.20.0.0/24"),
        (rules.cidr, "all", "must be an IPv4 range such as 10.20.0.0/24"),
        (rules.address, "192.0.2.0/24", "must be an IPv4 address such as 10.20.0.10"),
        (rules.address, "::1", "must be an IPv4 address such as 10.20.0.10"),
        (rules.address_pool, "10.200.0.0/21", "must be a private range of at least a /20, such as 10.200.0.0/16"),
        (rules.address_pool, "8.0.0.0/8", "must be a private range of at least a /20, such as 10.200.0.0/16"),
        (rules.address_pool, "pool", "must be an IPv4 range such as 10.20.0.0/24"),
        (rules.user_name, "", "must be the image's default user, such as ubuntu or debian"),
        (rules.user_name, "root; reboot", "must be the image's default user, such as ubuntu or debian"),
        (rules.user_name, "Ubuntu", "must be the image's default user, such as ubuntu or debian"),
        (rules.user_name, "-oProxyCommand", "must be the image's default user, such as ubuntu or debian"),
        (rules.host_name, "https://hub.example.org", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, "hub.example.org/", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, "hub..org", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, "-hub.org", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, "a;b", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, f"{'a' * 64}.org", "must be a host name such as hub.example.org, without scheme or path"),
        (rules.host_name, ".".join(["abcdefg"] * 32), "must be a host name such as hub.example.org, without scheme or path"),
        (rules.cpus, "0", "must be a number of CPUs above 0, such as 0.5 or 2"),
        (rules.cpus, "-1", "must be a number of CPUs above 0, such as 0.5 or 2"),
        (rules.cpus, "nan", "must be a number of CPUs above 0, such as 0.5 or 2"),
        (rules.cpus, "1000", "must be a number of CPUs above 0, such as 0.5 or 2"),
        (rules.size, "512", "must be a size above 0, such as 512M or 2G"),
        (rules.size, "512MB", "must be a size above 0, such as 512M or 2G"),
        (rules.size, "2g", "must be a size above 0, such as 512M or 2G"),
        (rules.size, "0G", "must be a size above 0, such as 512M or 2G"),
        *((rules.duration(600), text, "must be 0 (off), or a time") for text in ("9m", "-1h", "2 h", "600", "", "1w", "0.5h")),
        (rules.size, "0.0001K", "must be a size above 0, such as 512M or 2G"),
    ],
)
def test_a_rule_refuses_a_bad_text_and_tells_what_would_be_good(rule: Rule, text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        rule(text)
    assert str(refused.value).startswith(message)
