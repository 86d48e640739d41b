"""The deployment, in order. Each step takes only what the one before hands it; see docs/architecture.md."""

from pathlib import Path

import pulumi

from components import outputs, profiles, schema, settings, sign_in
from components.hub import Hub, HubArgs
from components.hub_files import HubSettings
from components.images import NodeImage, NodeImageArgs
from components.machines import Machines, MachinesArgs
from components.network import Network, NetworkArgs
from components.proxy import Proxy, ProxyArgs
from components.registry import Registry, RegistryArgs
from components.storage import Storage, StorageArgs
from components.swarm import Swarm, SwarmArgs
from components.workers import Workers, WorkersArgs

config = settings.load(pulumi.Config().get, schema.load(), settings.secret_text, settings.names_set(pulumi.get_project()))
people = sign_in.parse(config.auth, config.admins, config.allowed_users, config.oauth)
client_secret = sign_in.client_secret(config.auth, pulumi.Config().get_secret("clientSecret"))

network = Network(
    "network",
    NetworkArgs(
        existing=config.network,
        external_network=config.external_network,
        subnet_cidr=config.subnet_cidr,
        dns_nameservers=config.dns_nameservers,
        ssh_allowed_cidrs=config.ssh_allowed_cidrs,
    ),
)

machines = Machines(
    "machines",
    MachinesArgs(
        prefix=pulumi.get_stack(),
        image=config.image,
        manager_flavor=config.manager_flavor,
        worker_flavor=config.worker_flavor,
        storage_flavor=config.storage_flavor if config.storage is settings.Storage.DEDICATED else "",
        workers=config.workers,
        ssh_user=config.ssh_user,
        ssh_public_key=config.ssh_public_key,
        ssh_private_key=pulumi.Output.secret(Path(config.ssh_private_key_file).read_text()),
        network_id=network.network_id,
        external_network=config.external_network,
        door_group_id=network.door_group_id,
        internal_group_id=network.internal_group_id,
        routed=network.routed,
    ),
)

homes_servers = {
    settings.Storage.MANAGER: machines.manager,
    settings.Storage.DEDICATED: machines.storage,
    settings.Storage.NONE: None,
}
storage = Storage(
    "storage",
    StorageArgs(
        prefix=pulumi.get_stack(),
        manager=machines.manager,
        server=homes_servers[config.storage],
        clients=[machines.manager, *machines.workers],
        state_size=config.state_size,
        homes_size=config.homes_size,
        volume_type=config.volume_type,
        keep_data=config.keep_data,
        home_quota=config.home_quota,
        home_quotas=config.home_quotas,
        backup=config.backup,
        backup_password=pulumi.Config().get_secret("backupPassword"),
        backup_credentials=pulumi.Config().get_secret("backupCredentials"),
        backup_ssh_key=pulumi.Config().get_secret("backupSshKey"),
    ),
)

swarm = Swarm(
    "swarm",
    SwarmArgs(
        manager=machines.manager,
        address_pool=config.swarm_address_pool,
        ssh_user=config.ssh_user,
        ssh_private_key_file=config.ssh_private_key_file,
    ),
)

on_manager = pulumi.ResourceOptions(providers=[swarm.docker], deleted_with=machines.manager.machine)
registry = Registry(
    "registry",
    RegistryArgs(
        server=config.registry,
        user=config.registry_user,
        password=pulumi.Config().get_secret("registryPassword"),
        manager=machines.manager,
        manager_ready=swarm.manager_ready,
        swarm_id=swarm.swarm_id,
        image=config.registry_image,
        images=profiles.images(config.profiles),
        build_ca=config.build_ca,
        state_folder=storage.state_folder,
        state_size=config.state_size,
    ),
    on_manager,
)

workers = Workers(
    "workers",
    WorkersArgs(
        manager=machines.manager,
        manager_ready=swarm.manager_ready,
        swarm_id=swarm.swarm_id,
        workers=machines.workers,
        labels=config.worker_labels,
        notebook_images=profiles.images(config.profiles),
        registry=registry.login,
        build_ca=config.build_ca,
        before_active=storage.exports,
    ),
)

hub_image, userproxy_image, proxy_image = (
    NodeImage(
        f"{name}-image",
        NodeImageArgs(node=machines.manager, source=source, build_ca=config.build_ca, ready=swarm.manager_ready),
    )
    for name, source in (
        ("hub", config.hub_image),
        ("userproxy", config.userproxy_image),
        ("proxy", config.proxy_image),
    )
)

hub = Hub(
    "hub",
    HubArgs(
        manager=machines.manager,
        swarm_id=swarm.swarm_id,
        overlay_mtu=swarm.overlay_mtu,
        hub_image=hub_image.reference,
        userproxy_image=userproxy_image.reference,
        state_folder=storage.state_folder,
        homes_address=storage.homes_address,
        homes_folder=storage.hub_mounts,
        settings=HubSettings(
            title=config.title,
            sign_in=people.rendered(config.domain),
            announcement=config.announcement,
            idle_timeout=config.idle_timeout,
            max_age=config.max_age,
            named_servers=config.named_servers,
            concurrent_spawn_limit=config.concurrent_spawn_limit,
            active_server_limit=config.active_server_limit,
            notebook_role="worker" if config.workers else "manager",
            profiles=tuple(profile.render() for profile in config.profiles),
            lasting_homes=config.lasting_homes,
            shared_folder=config.shared_folder,
            room_timeout=config.room_timeout,
        ),
        images_present=workers.images_present,
        client_secret=client_secret,
        extra_config=config.hub_extra_config,
    ),
    on_manager,
)

proxy = Proxy(
    "proxy",
    ProxyArgs(
        manager=machines.manager,
        swarm_id=swarm.swarm_id,
        network_id=hub.network_id,
        image=proxy_image.reference,
        userproxy=hub.userproxy,
        state_folder=storage.door_folder,
        domain=config.domain,
        title=config.title,
        public_ip=machines.public_ip,
        https=config.https,
        acme_server=config.acme_server,
        acme_email=config.acme_email,
        acme_profile=config.acme_profile,
        acme_ca=config.acme_ca,
        acme_eab_key_id=pulumi.Config().get_secret("acmeEabKeyId"),
        acme_eab_hmac_key=pulumi.Config().get_secret("acmeEabHmacKey"),
        certificate=pulumi.Config().get_secret("certificate"),
        certificate_key=pulumi.Config().get_secret("certificateKey"),
        hsts=config.hsts,
        upload_limit=config.upload_limit,
    ),
    on_manager,
)

pulumi.export("url", proxy.url)
pulumi.export("caCertificate", proxy.ca_certificate)
pulumi.export("password", hub.password)
pulumi.export("adminPassword", hub.admin_password)
for name, text in {**people.outputs(config.domain), **registry.outputs}.items():
    pulumi.export(name, text)
pulumi.export("ssh", outputs.ssh_command(config.ssh_user, machines.public_ip, config.ssh_private_key_file))
pulumi.export("nodes", outputs.node_table(machines.manager, machines.workers, machines.storage))
pulumi.export("volumes", storage.volumes)
