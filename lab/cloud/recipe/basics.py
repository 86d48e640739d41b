"""What every stack in the lab finds: flavors, the external network, volume types and room for the stack's project.

Runs once, when the APIs answer; a repetition changes nothing.
"""

import ipaddress
import os
import time

import openstack

FLAVORS = [
    # name, vCPUs, memory in MB, disk in GB
    ("lab.manager", 2, 3072, 10),
    ("lab.worker", 2, 2048, 10),
]
VOLUME_TYPES = ["standard", "bulk"]
QUOTAS = {
    "compute": {"instances": 100, "cores": 400, "ram": 1_000_000, "server_groups": 50, "server_group_members": 100},
    "volume": {"volumes": 100, "gigabytes": 5000, "snapshots": 100},
    "network": {"floatingip": 50, "security_group": 100, "security_group_rule": 1000, "port": 500, "network": 50, "router": 50},
}


def connection() -> openstack.connection.Connection:
    """A connection as the cloud's administrator; waits up to a minute for keystone."""
    for _ in range(60):
        try:
            cloud = openstack.connect(cloud="lab-admin")
            cloud.authorize()
        except openstack.exceptions.SDKException:
            time.sleep(1)
        else:
            return cloud
    raise SystemExit("basics.py: keystone let nobody in for 60 s; see keystone.log")


def external_network(cloud: openstack.connection.Connection) -> None:
    """The network `public` on the container's own bridge; the first addresses are left to the gateway and to people."""
    if cloud.network.find_network("public"):
        return
    addresses = ipaddress.ip_network(os.environ["LAB_FLOATING"])
    network = cloud.network.create_network(
        name="public", is_router_external=True, provider_network_type="flat", provider_physical_network="external"
    )
    cloud.network.create_subnet(
        network_id=network.id, name="public", ip_version=4, cidr=str(addresses), gateway_ip=str(addresses[1]),
        is_dhcp_enabled=False, allocation_pools=[{"start": str(addresses[10]), "end": str(addresses[-2])}],
    )  # fmt: skip


def main() -> None:
    """Make what is missing."""
    cloud = connection()
    for name, vcpus, ram, disk in FLAVORS:
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)
    external_network(cloud)
    present = {kind.name for kind in cloud.block_storage.types()}
    for name in VOLUME_TYPES:
        if name not in present:
            cloud.block_storage.create_type(name=name, extra_specs={"volume_backend_name": "files"})
    project = cloud.identity.find_project("jupyterhub").id
    cloud.set_compute_quotas(project, **QUOTAS["compute"])
    cloud.set_volume_quotas(project, **QUOTAS["volume"])
    cloud.set_network_quotas(project, **QUOTAS["network"])


if __name__ == "__main__":
    main()
