"""The swarm service of a server, as the Docker API takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docker.types import ContainerSpec, EndpointSpec, Healthcheck, Placement, Resources, TaskTemplate

from services.hub import swarm_templates

if TYPE_CHECKING:
    from services.hub.swarm_spawner import NotebookSpawner

HUB_LABEL, USER_LABEL, SERVER_LABEL = "jupyterhub-swarm.hub", "jupyterhub-swarm.user", "jupyterhub-swarm.server"
# Over what an image says of itself. Swarm ends a container whose image's own check fails, and these checks (each 3 s, with 1 s to
# answer) fail on a busy node or beside a slow storage; whether a server lives is for the hub and the culler to say. A server
# takes SIGTERM as the wish to end, and SIGINT as a question on its terminal.
OVER_THE_IMAGE = {"healthcheck": Healthcheck(test=["NONE"]), "stop_signal": "SIGTERM"}


def arguments(spawner: NotebookSpawner, command: list[str]) -> dict[str, Any]:
    """Arguments of docker.APIClient.create_service. The labels tell whose the service is, should its hub forget it.

    dockerspawner's settings extra_..._spec add to it and have the last word.
    """
    container = ContainerSpec(
        **{"image": spawner.image, "env": spawner.get_env(), "args": command, "mounts": spawner.mounts}
        | OVER_THE_IMAGE
        | spawner.extra_container_spec
    )
    task = TaskTemplate(
        **{
            "container_spec": swarm_templates.contained(container, spawner.templates),
            "resources": _resources(spawner),
            "networks": [spawner.network_name] if spawner.network_name else [],
            "placement": Placement(**placement(spawner)),
        }
        | spawner.extra_task_spec
    )
    return {
        "task_template": task,
        "endpoint_spec": EndpointSpec(**spawner.extra_endpoint_spec),
        "name": spawner.service_name,
        "labels": {HUB_LABEL: spawner.hub.api_url, USER_LABEL: spawner.user.name, SERVER_LABEL: spawner.name},
        **spawner.extra_create_kwargs,
    }


def environment(service: dict[str, Any]) -> dict[str, str]:
    """The variables that a service, as the Docker API tells it, gives its server."""
    lines = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or ()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def placement(spawner: NotebookSpawner) -> dict[str, Any]:
    """Arguments of docker.types.Placement."""
    label = [f"node.labels.{spawner.node_label}"] if spawner.node_label else []
    return {"constraints": [*spawner.placement_constraints, *label], **spawner.extra_placement_spec}


def _resources(spawner: NotebookSpawner) -> Resources:
    return Resources(
        **{
            "mem_limit": spawner.mem_limit,
            "mem_reservation": spawner.mem_guarantee,
            "cpu_limit": _nano(spawner.cpu_limit),
            "cpu_reservation": _nano(spawner.cpu_guarantee),
            # Discrete: Swarm counts GPUs of a node down, and the container sees which ones it got in its environment.
            "generic_resources": {"NVIDIA-GPU": spawner.gpus} if spawner.gpus else None,
        }
        | spawner.extra_resources_spec
    )


def _nano(cpus: float | None) -> int | None:
    return int(cpus * 1e9) if cpus else None
