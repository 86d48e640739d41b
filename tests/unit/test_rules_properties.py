"""What holds of the rules for any text: sizes, address ranges, host names."""

from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components import rules

LABELS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=63)
RANGES = st.builds(
    lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
)


@given(st.integers(1, 10**6), st.sampled_from("KMGT"))
def test_the_units_of_sizes_are_powers_of_1024(number: int, unit: str) -> None:
    assert rules.size(f"{number}{unit}") == number * 1024 ** ("KMGT".index(unit) + 1)


@given(st.text("0123456789.KMGTi-", max_size=12))
def test_a_size_is_a_positive_number_of_bytes_or_refused(text: str) -> None:
    try:
        value = rules.size(text)
    except ValueError:
        return
    assert value > 0
    assert text[-1] in "KMGT"


@given(RANGES)
def test_every_ipv4_range_is_taken_and_comes_back_the_same(network: ipaddress.IPv4Network) -> None:
    assert rules.cidr(str(network)) == str(network)


@given(RANGES, st.integers(1, 2**24))
def test_a_range_with_host_bits_is_refused(network: ipaddress.IPv4Network, offset: int) -> None:
    assume(network.num_addresses > 1)
    inside = network.network_address + 1 + offset % (network.num_addresses - 1)
    with pytest.raises(ValueError, match="has host bits set"):
        rules.cidr(f"{inside}/{network.prefixlen}")


@given(RANGES, RANGES)
def test_two_ranges_overlap_exactly_when_one_holds_the_others_first_address(
    one: ipaddress.IPv4Network, other: ipaddress.IPv4Network
) -> None:
    expected = one.network_address in other or other.network_address in one
    assert rules.overlap(str(one), str(other)) is rules.overlap(str(other), str(one)) is expected


@given(RANGES)
def test_a_range_overlaps_itself_and_its_halves_but_these_not_each_other(network: ipaddress.IPv4Network) -> None:
    assert rules.overlap(str(network), str(network))
    if network.prefixlen < 32:
        lower, upper = map(str, network.subnets())
        assert rules.overlap(str(network), lower)
        assert rules.overlap(str(network), upper)
        assert not rules.overlap(lower, upper)


@given(st.lists(LABELS, min_size=1, max_size=3))
def test_names_of_letters_and_digits_are_host_names_in_lower_case(labels: list[str]) -> None:
    name = ".".join(labels)
    assert rules.host_name(name) == name.lower()


@given(st.text(max_size=80))
def test_a_host_name_holds_nothing_that_nginx_or_a_shell_would_take_for_syntax(text: str) -> None:
    try:
        name = rules.host_name(text)
    except ValueError:
        return
    assert set(name) <= set(string.ascii_lowercase + string.digits + "-.")
