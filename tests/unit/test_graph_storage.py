"""The volumes, who holds them, who may mount the homes, and what no `destroy` takes along."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.storage import quota_settings
from services.hub.home_names import home_of
from services.hub.home_volumes import HUB_OPTIONS
from tests.unit.graphs import ATTACHMENT, COMMAND, INSTANCE, VOLUME, Graph, is_secret, rendered, revealed
from tools.graph import ROOT

GraphOf = Callable[..., Graph]
DOCKER_VOLUME = "docker:index/volume:Volume"


@pytest.fixture(scope="module")
def dedicated(graph_of: GraphOf) -> Graph:
    """A stack whose homes have a machine of their own."""
    return graph_of(storage="dedicated", workers="2")


def test_state_and_homes_are_volumes_of_the_sizes_that_were_asked_for(graph_of: GraphOf) -> None:
    graph = graph_of(stateSize="7", homesSize="300", volumeType="fast")
    volumes = {volume.inputs["name"]: volume.inputs for volume in graph.of_type(VOLUME)}
    assert {name: volume["size"] for name, volume in volumes.items()} == {"test-state": 7, "test-homes": 300}
    assert {volume["volumeType"] for volume in volumes.values()} == {"fast"}


def test_the_clouds_default_type_is_taken_where_none_is_named(graph: Graph) -> None:
    assert all("volumeType" not in volume.inputs for volume in graph.of_type(VOLUME))


def test_volumes_are_protected_and_kept_on_destroy(graph: Graph) -> None:
    assert [(volume.protect, volume.retain) for volume in graph.of_type(VOLUME)] == [(True, True)] * 2


def test_nothing_but_the_volumes_is_protected_so_that_a_destroy_takes_all_the_rest(graph: Graph) -> None:
    assert {resource.type for resource in graph.resources if resource.protect} == {VOLUME}
    assert {resource.type for resource in graph.resources if resource.retain} == {VOLUME}


def test_volumes_can_be_given_up_by_a_setting(graph_of: GraphOf) -> None:
    volumes = graph_of(keepData="false").of_type(VOLUME)
    assert [(volume.protect, volume.retain) for volume in volumes] == [(False, False)] * 2


def test_a_larger_size_grows_the_volume_in_use_and_then_the_file_system(graph_of: GraphOf) -> None:
    for size in ("100", "300"):
        graph = graph_of(homesSize=size)
        assert graph["storage-homes"].inputs["enableOnlineResize"] is True
        line = graph["storage-homes-mounted"].inputs["create"]
        assert f"prepare-volume.sh storage-homes-id jh-homes /srv/homes {size} # " in line
        assert "storage-homes" in graph["storage-homes-mounted"].depends_on
        triggers = graph["storage-homes-mounted"].inputs["triggers"]
        assert size not in triggers  # else the volume would be unmounted first


def test_by_default_the_manager_holds_both_volumes(graph: Graph) -> None:
    assert {attached.inputs["instanceId"] for attached in graph.of_type(ATTACHMENT)} == {"machines-manager-0-id"}
    assert [instance for instance in graph.of_type(INSTANCE) if "storage" in instance.name] == []


def test_a_dedicated_server_holds_the_homes_and_the_manager_the_state(dedicated: Graph) -> None:
    holders = {attached.inputs["volumeId"]: attached.inputs["instanceId"] for attached in dedicated.of_type(ATTACHMENT)}
    assert holders == {"storage-state-id": "machines-manager-0-id", "storage-homes-id": "machines-storage-0-id"}


def test_a_dedicated_server_is_in_the_network_but_not_in_the_swarm(dedicated: Graph) -> None:
    assert dedicated["machines-storage-0-port"].inputs["securityGroupIds"] == ["network-internal-id"]
    assert "docker" not in dedicated["machines-storage-0"].inputs["userData"]
    assert [name for name in dedicated.names() if name.startswith("swarm-storage")] == []


def test_steps_run_on_the_node_that_holds_the_volume_and_go_with_it(dedicated: Graph) -> None:
    nodes = {"192.0.2.10": "machines-manager-0", "10.20.0.9": "machines-storage-0"}
    seen = set()
    for command in dedicated.of_type(COMMAND):
        if command.parent == "storage":
            host = revealed(command.inputs["connection"])["host"]
            seen.add(host)
            assert dedicated.deleted_with(command.name) == nodes[host], command.name
            homes = not any(word in command.name for word in ("state", "door", "manager-0-tools", "hub-homes"))
            assert (nodes[host] == "machines-storage-0") == homes, command.name
    assert seen == set(nodes)


def test_machines_shut_down_before_they_go(dedicated: Graph) -> None:
    assert all(instance.inputs["stopBeforeDestroy"] for instance in dedicated.of_type(INSTANCE))


def test_a_volume_leaves_a_node_that_stays_only_unmounted(graph: Graph) -> None:
    mounted = graph["storage-homes-mounted"].inputs
    assert mounted["delete"].endswith("release-volume.sh /srv/homes")
    assert mounted["triggers"] == ["machines-manager-0-id", "storage-homes-attachment-id"]


@pytest.mark.parametrize("storage", ["manager", "dedicated"])
def test_homes_are_exported_to_every_node_of_the_swarm_and_to_nobody_else(graph_of: GraphOf, storage: str) -> None:
    graph = graph_of(storage=storage, workers="2")
    exports = {command.name: command.inputs["create"] for command in graph.of_type(COMMAND) if command.name.endswith("-export")}
    assert set(exports) == {f"storage-{node}-export" for node in ("manager-0", "worker-0", "worker-1")}
    addresses = {"manager-0": "10.20.0.10", "worker-0": "10.20.0.11", "worker-1": "10.20.0.12"}
    for node, address in addresses.items():
        assert f"'/srv/homes {address}(" in exports[f"storage-{node}-export"]


def test_a_worker_takes_notebooks_only_when_it_may_mount_homes_and_keeps_them_until_it_is_drained(graph: Graph) -> None:
    assert "storage-worker-1-export" in graph["workers-worker-1-active"].depends_on
    assert "exportfs" in graph["storage-worker-1-export"].inputs["delete"]


@pytest.mark.parametrize(("storage", "address"), [("manager", "10.20.0.10"), ("dedicated", "10.20.0.9")])
def test_the_manager_mounts_the_homes_for_the_hub_once_it_may(graph_of: GraphOf, storage: str, address: str) -> None:
    graph = graph_of(storage=storage, workers="2")
    mount = graph["storage-hub-homes"]
    assert revealed(mount.inputs["connection"])["host"] == "192.0.2.10"
    assert mount.inputs["create"].endswith(f"hub-homes.sh install {address} /srv/homes /srv/nfs/homes {HUB_OPTIONS}")
    assert mount.inputs["delete"].endswith("hub-homes.sh remove")
    assert {"storage-manager-0-export", "storage-manager-0-tools"}.issubset(mount.depends_on)
    assert graph.deleted_with("storage-hub-homes") == "machines-manager-0"
    assert "ExecStart=" in mount.inputs["stdin"]


def test_docker_mounts_nothing_for_the_hub_that_could_be_away_when_it_starts(graph_of: GraphOf) -> None:
    graph = graph_of(storage="dedicated", workers="2")
    assert DOCKER_VOLUME not in {resource.type for resource in graph.resources}
    container = graph["hub-hub"].inputs["taskSpec"]["containerSpec"]
    (homes,) = (mount for mount in container["mounts"] if mount["target"] == "/srv/nfs")
    assert (homes["type"], homes["bindOptions"]) == ("bind", {"propagation": "rslave"})
    assert "storage-hub-homes" in graph["hub-hub"].depends_on
    assert container["env"] == {"HOMES_ADDRESS": "10.20.0.9"}


def test_the_hub_starts_only_when_the_state_volume_is_mounted(graph: Graph) -> None:
    assert "storage-state-folder" in graph["hub-hub"].depends_on
    assert "storage-state-mounted" in graph["storage-state-folder"].depends_on


def test_temporary_homes_need_no_volume_but_the_hubs_state(graph_of: GraphOf) -> None:
    graph = graph_of(storage="none", workers="2")
    assert [volume.name for volume in graph.of_type(VOLUME)] == ["storage-state"]
    assert not [name for name in graph.names() if name.endswith("-export") or name.startswith("storage-homes")]
    assert "storage-hub-homes" not in graph.names()
    assert "/srv/nfs" not in [mount["target"] for mount in graph["hub-hub"].inputs["taskSpec"]["containerSpec"]["mounts"]]
    assert graph["storage-manager-0-tools"].inputs["create"].endswith("install.sh")


def test_the_scripts_travel_on_standard_input_in_the_projects_own_layout(graph: Graph) -> None:
    data = base64.b64decode(graph["storage-manager-0-tools"].inputs["stdin"])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: member.mode for member in tar.getmembers()}
        assert all(tar.extractfile(name).read() == (ROOT / name).read_bytes() for name in found)  # type: ignore[union-attr]
    assert {"storage/quotas.py", "storage/jupyterhub-quotas.path", "services/hub/owners.py"}.issubset(found)
    assert found["storage/prepare-volume.sh"] == 0o755


def test_the_nodes_tools_find_all_that_they_share_with_the_hub(graph: Graph, tmp_path: Path) -> None:
    data = base64.b64decode(graph["storage-manager-0-tools"].inputs["stdin"])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path, filter="data")
    modules = ", ".join(f"storage.{path.stem}" for path in (ROOT / "storage").glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {modules}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_sizes_of_homes_are_told_by_folder_and_reach_the_node_on_standard_input(graph_of: GraphOf) -> None:
    graph = graph_of(homeQuota="1G", homeQuotas='{"Ada@example.org": "5G"}')
    assert graph["storage-serve"].inputs["stdin"] == quota_settings(1024**3, {"ada@example.org": 5 * 1024**3})
    assert json.loads(graph["storage-serve"].inputs["stdin"]) == {
        "default": 1024**3,
        "homes": {home_of("ada@example.org"): 5 * 1024**3},
        "names": {home_of("ada@example.org"): "ada@example.org"},
    }


def backed_up(stack_values: dict[str, str], **more: str) -> Graph:
    """A stack with a backup."""
    return rendered({**stack_values, "backup": '{"repository": "s3:https://objects.example.org/b"}', **more})


def test_a_backups_secrets_are_on_standard_input_only(stack_values: dict[str, str]) -> None:
    secrets = {"backupPassword": "very secret", "backupCredentials": "AWS_ACCESS_KEY_ID=me\nAWS_SECRET_ACCESS_KEY=s=3\n"}
    timer = backed_up(stack_values, **secrets)["storage-backup-timer"]
    assert is_secret(timer.inputs["stdin"])
    config: dict[str, Any] = json.loads(revealed(timer.inputs["stdin"]))
    assert config == {
        "stack": "test",
        "volume": "storage-homes-id",
        "repository": "s3:https://objects.example.org/b",
        "password": "very secret",
        "sftp": None,
        "environment": {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "s=3"},
        "keep": {"daily": 7, "weekly": 4, "monthly": 6},
    }
    assert timer.inputs["create"] == "sudo jupyterhub-storage backup configure '*-*-* 03:00'"


SFTP = '{"repository": "sftp:me@backup.example.org:/homes", "hostKey": "ssh-ed25519 AAAA"}'


def test_a_backup_over_ssh_has_its_key_and_the_servers_host_key(stack_values: dict[str, str]) -> None:
    secrets = {"backupPassword": "very secret", "backupSshKey": "-----BEGIN", "backup": SFTP}
    timer = rendered({**stack_values, **secrets})["storage-backup-timer"]
    assert is_secret(timer.inputs["stdin"])
    assert json.loads(revealed(timer.inputs["stdin"]))["sftp"] == {
        "user": "me",
        "host": "backup.example.org",
        "port": "22",
        "host_key": "ssh-ed25519 AAAA",
        "key": "-----BEGIN",
    }


def test_a_backup_over_ssh_without_a_key_is_refused_with_the_command_that_sets_one(stack_values: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="pulumi config set --secret backupSshKey"):
        rendered({**stack_values, "backupPassword": "very secret", "backup": SFTP})


def test_a_backup_without_a_password_is_refused_with_the_command_that_sets_one(stack_values: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="pulumi config set --secret backupPassword"):
        backed_up(stack_values)
