"""Settings that are right one by one and do not go together are refused with the remedy."""

from __future__ import annotations

import pytest

from tests.unit.refused_values import LoadStack, refusals


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


def test_a_home_larger_than_the_whole_volume_is_refused(load_stack: LoadStack) -> None:
    assert refusals(load_stack, homesSize="5", homeQuotas='{"ada": "6G"}') == [
        "homeQuota: 10G is more than the whole volume of the homes, homesSize 5G",
        "homeQuotas.ada: 6G is more than the whole volume of the homes, homesSize 5G",
    ]
    assert load_stack(homesSize="5", homeQuota="5G").home_quota == 5 * 1024**3
    assert load_stack(homesSize="5", storage="none").storage == "none"
