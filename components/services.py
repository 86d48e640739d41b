"""Swarm services that run on the manager, with everything set that the daemon would fill in: a later refresh finds no change."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

Mount = docker.ServiceTaskSpecContainerSpecMountArgs
BindOptions = docker.ServiceTaskSpecContainerSpecMountBindOptionsArgs
Secret = docker.ServiceTaskSpecContainerSpecSecretArgs
Config = docker.ServiceTaskSpecContainerSpecConfigArgs
Healthcheck = docker.ServiceTaskSpecContainerSpecHealthcheckArgs

# Long-idle websockets: the kernel's default sends the first probe after two hours, when a firewall has long forgotten the flow.
KEEPALIVE = {"net.ipv4.tcp_keepalive_time": "600"}


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """One service of one replica. `arguments` follow the image's entry point; `memory_limit` is bytes.

    `published` are TCP ports, the same inside and outside, of the manager; `on_every_node` are those that each node passes on,
    over Swarm's ingress network.
    """

    service_name: str
    image: pulumi.Input[str]
    memory_limit: int
    network_id: pulumi.Input[str] | None = None
    arguments: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    secrets: Sequence[Secret] = ()
    configs: Sequence[Config] = ()
    published: Sequence[int] = ()
    on_every_node: Sequence[int] = ()
    healthcheck: Healthcheck | None = None


def manager_service(name: str, args: ServiceArgs, opts: pulumi.ResourceOptions) -> docker.Service:
    """Declare the service on the manager, updated stop-first, since a host port or a database takes one task at a time.

    `dnsrr` and host mode: IPVS would drop connections that idle for 900 s (moby#31208), and ingress hides client addresses.
    """
    return docker.Service(
        name,
        name=args.service_name,
        mode=docker.ServiceModeArgs(replicated=docker.ServiceModeReplicatedArgs(replicas=1)),
        endpoint_spec=_endpoint(args),
        task_spec=docker.ServiceTaskSpecArgs(
            container_spec=_container(args),
            networks_advanceds=[docker.ServiceTaskSpecNetworksAdvancedArgs(id=args.network_id)] if args.network_id else [],
            placement=docker.ServiceTaskSpecPlacementArgs(constraints=["node.role==manager"]),
            resources=docker.ServiceTaskSpecResourcesArgs(
                limits=docker.ServiceTaskSpecResourcesLimitsArgs(memory_bytes=args.memory_limit)
            ),
            # Zero delays would show as a change for ever (pulumi-docker#1285).
            restart_policy=docker.ServiceTaskSpecRestartPolicyArgs(condition="any", delay="2s", window="5s"),
            log_driver=docker.ServiceTaskSpecLogDriverArgs(name="json-file", options={"max-size": "10m", "max-file": "3"}),
        ),
        update_config=docker.ServiceUpdateConfigArgs(
            parallelism=1, delay="1s", failure_action="pause", monitor="5s", max_failure_ratio="0.0", order="stop-first"
        ),
        converge_config=docker.ServiceConvergeConfigArgs(delay="2s", timeout="10m"),
        opts=opts,
    )


def _endpoint(args: ServiceArgs) -> docker.ServiceEndpointSpecArgs:
    published = [(port, "host") for port in args.published] + [(port, "ingress") for port in args.on_every_node]
    return docker.ServiceEndpointSpecArgs(
        mode="vip" if args.on_every_node else "dnsrr",  # ingress has no other way
        ports=[
            docker.ServiceEndpointSpecPortArgs(protocol="tcp", target_port=port, published_port=port, publish_mode=mode)
            for port, mode in published
        ],
    )


def _container(args: ServiceArgs) -> docker.ServiceTaskSpecContainerSpecArgs:
    return docker.ServiceTaskSpecContainerSpecArgs(
        image=args.image,
        args=list(args.arguments),
        env=dict(args.environment),
        sysctl=KEEPALIVE,
        mounts=list(args.mounts),
        secrets=list(args.secrets),
        configs=list(args.configs),
        healthcheck=args.healthcheck,
        # The provider's deletion of a service waits no longer than this for its container to be gone, and fails then.
        stop_grace_period="1m",
    )


def config_file(name: str, text: str, path: str, opts: pulumi.ResourceOptions) -> Config:
    """A swarm config with `text` at `path` in the container. Its name carries a hash of the text: configs cannot change."""
    named = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    config = docker.ServiceConfig(named, name=named, data=b64encode(text.encode()).decode(), opts=opts)
    return Config(config_id=config.id, config_name=named, file_name=path)


def secret_file(secret_id: pulumi.Input[str], secret_name: pulumi.Input[str], file_name: str) -> Secret:
    """A swarm secret that exists already, at /run/secrets/`file_name` in the container."""
    return Secret(secret_id=secret_id, secret_name=secret_name, file_name=file_name)
