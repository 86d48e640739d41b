"""What cloud-init reads at a node's first boot."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from components.cloud_init import SOURCE, cloud_config, user_data

INSTALL = (
    "cloud-init is not on PATH, and only it can tell whether it takes our user data: "
    "apt-get install --no-install-recommends cloud-init "
    "(touch /etc/cloud/cloud-init.disabled first, so that it never runs on this machine)"
)
BASE64_LIMIT = 65535  # bytes that Nova takes: https://docs.openstack.org/api-ref/compute/#create-server


def accepted_by_cloud_init(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let cloud-init itself check user data."""
    assert shutil.which("cloud-init"), INSTALL
    (folder / "user-data").write_text(text)
    return subprocess.run(
        ["cloud-init", "schema", "--config-file", str(folder / "user-data")], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("node", "user"), [("manager-0", "debian"), ("worker-49", "ubuntu")])
def test_cloud_init_itself_takes_the_user_data(tmp_path: Path, node: str, user: str) -> None:
    checked = accepted_by_cloud_init(user_data(node, user), tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "Valid cloud-config" in checked.stdout
    assert "deprecat" not in (checked.stdout + checked.stderr).lower()


def test_cloud_init_would_refuse_user_data_with_a_fault(tmp_path: Path) -> None:
    faulty = user_data("manager-0", "debian").replace("permissions: '0755'", "permissions: [0755]")
    checked = accepted_by_cloud_init(faulty, tmp_path)
    assert checked.returncode == 1
    assert "permissions" in checked.stdout + checked.stderr


def test_the_user_data_begins_with_the_line_that_cloud_init_looks_for() -> None:
    assert user_data("manager-0", "debian").startswith("#cloud-config\n")


def test_the_text_holds_the_config_whole() -> None:
    assert yaml.safe_load(user_data("worker-3", "ubuntu")) == cloud_config("worker-3", "ubuntu")


def test_a_node_is_named_as_the_swarm_knows_it_and_keeps_the_name() -> None:
    config = cloud_config("worker-3", "debian")
    assert config["hostname"] == "worker-3"
    assert config["preserve_hostname"] is False
    assert config["manage_etc_hosts"] is True


def test_nobody_signs_in_with_a_password() -> None:
    assert cloud_config("worker-3", "debian")["ssh_pwauth"] is False


def test_the_first_boot_runs_no_apt_by_itself() -> None:
    config = cloud_config("worker-3", "debian")
    assert config["package_update"] is config["package_upgrade"] is False
    assert "packages" not in config


def test_every_file_of_the_folder_is_installed_as_it_is() -> None:
    written = {file["content"] for file in cloud_config("worker-3", "debian", gpu=True)["write_files"]}
    assert written == {path.read_text() for path in SOURCE.iterdir()}


def test_what_runs_was_written_before_and_may_be_executed() -> None:
    config = cloud_config("worker-3", "ubuntu")
    modes = {file["path"]: file["permissions"] for file in config["write_files"]}
    commands = config["runcmd"]
    assert commands[-1] == ["/usr/local/sbin/prepare-node", "ubuntu"]
    assert modes["/usr/local/sbin/prepare-node"] == "0755"
    assert commands[0][-1] in modes


def test_the_user_data_is_small_enough_for_openstack() -> None:
    assert len(user_data("worker-49", "ubuntu").encode()) * 4 / 3 < BASE64_LIMIT / 2


def test_the_user_data_names_no_secret_and_no_key() -> None:
    assert not re.search(r"(?i)token|password|passwd|BEGIN [A-Z ]*KEY|ssh-(ed25519|rsa)", user_data("manager-0", "debian"))


def test_the_daemons_configuration_bounds_the_logs_of_containers() -> None:
    config = json.loads((SOURCE / "daemon.json").read_text())
    assert set(config["log-opts"]) == {"max-size", "max-file"}
    assert config["log-driver"] == "json-file"


def test_the_kernel_settings_are_lines_that_sysctl_takes() -> None:
    lines = [line for line in (SOURCE / "99-jupyterhub-swarm.conf").read_text().splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        key, value = line.split(" = ")
        assert Path("/proc/sys", *key.split(".")).exists(), key
        assert int(value) > 0
