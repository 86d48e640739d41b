"""The fields of a service, as the vendor's plugin 5.1.0 names them, with what it sends for those left out."""

from typing import Any, Final

from standin.docker_codecs import GENERIC_RESOURCES, OPTION_LINES, PERIOD, PREFERENCES, PRESENCE, RATIO
from standin.docker_container_tables import CONTAINER
from standin.docker_fields import (
    ApiField,
    ApiFields,
    block,
    blocks,
    count,
    duration,
    flag,
    labels,
    mapping,
    port,
    ratio_rule,
    text,
    texts,
)
from standin.docker_tables import NAME
from standin.fields import Kind


def _network_name_rule(_value: Any) -> str:
    return "give the network's id instead: with its name the vendor's plugin replaces the service at every `up`"


_RESERVATION: Final[ApiFields] = {
    "nanoCpus": count("NanoCPUs"),
    "memoryBytes": count("MemoryBytes"),
    "genericResources": block(
        "GenericResources",
        {
            "namedResourcesSpecs": texts("", unordered=True),
            "discreteResourcesSpecs": texts("", unordered=True),
        },
        codec=GENERIC_RESOURCES,
    ),
}

_TASK: Final[ApiFields] = {
    "containerSpec": block("ContainerSpec", CONTAINER, required=True),
    "resources": block(
        "Resources",
        {
            "limits": block("Limits", {"nanoCpus": count("NanoCPUs"), "memoryBytes": count("MemoryBytes")}),
            "reservation": block("Reservations", _RESERVATION),
        },
        keeps=True,
        absent={},
    ),
    "restartPolicy": block(
        "RestartPolicy",
        {
            "condition": text("Condition", choices=("none", "on-failure", "any")),
            "delay": duration("Delay", absent=0),
            "maxAttempts": count("MaxAttempts", absent=0),
            "window": duration("Window", absent=0),
        },
        keeps=True,
        absent={},
    ),
    "placement": block(
        "Placement",
        {
            "constraints": texts("Constraints", unordered=True),
            "prefs": texts("Preferences", codec=PREFERENCES, unordered=True),
            "maxReplicas": count("MaxReplicas"),
            "platforms": blocks(
                "Platforms",
                {"architecture": text("Architecture", required=True), "os": text("OS", required=True)},
                unordered=True,
            ),
        },
        keeps=True,
        absent={},
    ),
    "forceUpdate": count("ForceUpdate", keeps=True, absent=0),
    "runtime": text("Runtime", keeps=True, choices=("container",)),
    "networksAdvanceds": blocks(
        "Networks",
        {
            "name": text("", rule=_network_name_rule),
            "id": text("Target"),
            "aliases": texts("Aliases", unordered=True),
            "driverOpts": texts("DriverOpts", codec=OPTION_LINES, unordered=True),
        },
        unordered=True,
        replaces=True,
    ),
    "logDriver": block("LogDriver", {"name": text("Name", required=True), "options": mapping("Options")}),
}


def _roll_out(last_resort: tuple[str, ...]) -> ApiFields:
    return {
        "parallelism": count("Parallelism", default=1),
        "delay": duration("Delay", PERIOD, default="0s"),
        "failureAction": text("FailureAction", default="pause", choices=last_resort),
        "monitor": duration("Monitor", PERIOD, default="5s"),
        "maxFailureRatio": text("MaxFailureRatio", default="0.0", codec=RATIO, rule=ratio_rule),
        "order": text("Order", default="stop-first", choices=("stop-first", "start-first")),
    }


_PORT: Final[ApiFields] = {
    "name": text("Name"),
    "protocol": text("Protocol", default="tcp", choices=("tcp", "udp", "sctp")),
    "targetPort": port("TargetPort", required=True),
    "publishedPort": port("PublishedPort", keeps=True),
    "publishMode": text("PublishMode", default="ingress", choices=("host", "ingress")),
}

SERVICE: Final[ApiFields] = {
    "name": NAME,
    "labels": labels(keeps=True),
    "taskSpec": block("TaskTemplate", _TASK, required=True),
    "mode": block(
        "Mode",
        {
            "replicated": block("Replicated", {"replicas": count("Replicas", default=1)}, keeps=True),
            "global": flag("Global", codec=PRESENCE),
        },
        keeps=True,
        replaces=True,
        absent={},
    ),
    "updateConfig": block("UpdateConfig", _roll_out(("pause", "continue", "rollback"))),
    "rollbackConfig": block("RollbackConfig", _roll_out(("pause", "continue"))),
    "endpointSpec": block(
        "EndpointSpec",
        {
            "mode": text("Mode", keeps=True, choices=("vip", "dnsrr")),
            "ports": blocks("Ports", _PORT),
        },
        keeps=True,
        absent={},
    ),
    # Not in the API: how long this plugin waits for the tasks.
    "convergeConfig": ApiField(
        kind=Kind.OBJECT,
        fields={"delay": duration("", default="7s"), "timeout": duration("", default="3m")},
        shown=False,
    ),
}
