"""Part of the image build: the services' user, the stack's project and user, and the catalogue of the services.

The catalogue's addresses and all passwords are set at each container's start, by prepare.py.
"""

import secrets
import sys

import openstack

ADDRESS = "http://127.0.0.1"
CATALOGUE = [
    # type, name, port and path
    ("placement", "placement", ":8778"),
    ("image", "glance", ":9292"),
    ("compute", "nova", ":8774/v2.1"),
    ("network", "neutron", ":9696"),
    # The same API twice: clients differ in the type that they look for.
    ("volumev3", "cinderv3", ":8776/v3/%(project_id)s"),
    ("block-storage", "cinder", ":8776/v3/%(project_id)s"),
]
USERS = [
    # project, user, roles
    ("service", "lab-service", ["admin", "service"]),
    ("jupyterhub", "jupyterhub", ["member"]),
]


def main() -> None:
    """Make all of it in an empty keystone, whose address is the first argument."""
    # The catalogue names the address of a running cloud; during the build keystone is elsewhere.
    identity = openstack.connect(
        cloud="lab-admin", auth={"auth_url": sys.argv[1]}, identity_endpoint_override=sys.argv[1]
    ).identity
    domain = identity.get_domain("default")
    identity.create_role(name="service")
    roles = {role.name: role for role in identity.roles()}
    for project_name, user_name, role_names in USERS:
        project = identity.create_project(name=project_name, domain_id=domain.id)
        user = identity.create_user(name=user_name, password=secrets.token_urlsafe(24), domain_id=domain.id)
        for role_name in role_names:
            identity.assign_project_role_to_user(project, user, roles[role_name])
    for kind, name, path in CATALOGUE:
        service = identity.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(service_id=service.id, interface=interface, url=ADDRESS + path, region_id="RegionOne")


if __name__ == "__main__":
    main()
