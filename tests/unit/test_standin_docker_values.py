"""The docker stand-in's small pure parts: durations, image references, addresses, what is said of failed tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin.docker_codecs import ENVIRONMENT, LABELS, format_duration, parse_duration
from standin.docker_connection import DockerApi, DockerConfig
from standin.docker_images import full_reference
from standin.docker_resource import automatic_name, is_automatic
from standin.docker_tasks import summarize
from standin.docker_tunnel import SshTarget
from standin.errors import InvalidInput

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("1.5µs", 1500),
        ("500ms", SECOND // 2),
        ("1s", SECOND),
        ("1.5s", SECOND * 3 // 2),
        ("1m", 60 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1h", 3600 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1h0m5s", 3605 * SECOND),
        ("25h1m0.5s", 90060 * SECOND + SECOND // 2),
    ],
)
def test_a_duration_has_dockers_own_form(text: str, nanoseconds: int) -> None:
    assert format_duration(nanoseconds) == text
    assert parse_duration(text) == nanoseconds


@given(st.integers(min_value=0, max_value=10**17))
def test_every_duration_survives_its_text(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["5", "s", "-1s", "1 s", "1d", "1s2", "five seconds", "1.2.3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 500ms, 10s or 1m30s"):
        parse_duration(text)


def test_values_with_an_equals_sign_stay_whole() -> None:
    assert ENVIRONMENT.to_api({"B": "x=y=z", "A": ""}) == ["A=", "B=x=y=z"]
    assert ENVIRONMENT.from_api(["A=", "B=x=y=z", "C"]) == {"A": "", "B": "x=y=z", "C": ""}


def test_no_labels_are_an_empty_list() -> None:
    assert LABELS.from_api(None) == []


@pytest.mark.parametrize(
    ("given_image", "stored"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.27", "nginx:1.27"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("index.docker.io/library/nginx", "nginx:latest"),
        ("docker.io/me/app:1", "me/app:1"),
        ("library/nginx", "nginx:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("10.0.0.2:5000/team/app:2", "10.0.0.2:5000/team/app:2"),
        ("app@sha256:" + "0" * 64, "app@sha256:" + "0" * 64),
    ],
)
def test_an_image_is_stored_by_its_familiar_name(given_image: str, stored: str) -> None:
    assert full_reference(given_image) == stored


def test_a_made_up_name_is_known_again() -> None:
    assert is_automatic("net", automatic_name("net"))
    assert not is_automatic("net", "net-production")
    assert not is_automatic("net", automatic_name("network"))


def test_the_ssh_command_is_that_of_dockers_own_client() -> None:
    target = SshTarget.parse("ssh://ubuntu@10.0.0.5:2222", ("-i", "/keys/id", "-o", "StrictHostKeyChecking=yes"))
    assert target.command == (
        *("ssh", "-l", "ubuntu", "-p", "2222", "-i", "/keys/id", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "ConnectTimeout=30", "-T", "--", "10.0.0.5", "docker system dial-stdio"),
    )
    assert str(target) == "ssh://ubuntu@10.0.0.5:2222"


def test_an_own_time_limit_and_an_own_socket_are_kept() -> None:
    target = SshTarget.parse("ssh://host/run/my docker.sock", ("-o", "ConnectTimeout=5"))
    assert target.command == (
        *("ssh", "-o", "ConnectTimeout=5", "-T", "--", "host"),
        "docker '--host=unix:///run/my docker.sock' system dial-stdio",
    )


@pytest.mark.parametrize("address", ["ssh://", "ssh://me:word4711@host", "ssh://host:no", "ssh://host?x=1", "ssh://host:99999"])
def test_an_ssh_address_of_another_form_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SshTarget.parse(address, ())
    assert refused.value.path == "host"
    assert "word4711" not in str(refused.value)


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:2375", "npipe:////./pipe/docker_engine", "/var/run/docker.sock", ""])
def test_a_host_that_the_stand_in_does_not_know_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="knows ssh://"):
        DockerApi(host)


def test_the_host_comes_from_the_environment_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert DockerConfig().check({}) == {"host": "unix:///var/run/docker.sock"}
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    assert DockerConfig().check({}) == {"host": "ssh://elsewhere"}
    assert DockerConfig().check({"host": "unix:///x", "sshOpts": ["-v"]}) == {"host": "unix:///x", "sshOpts": ["-v"]}


@pytest.mark.parametrize("name", ["certPath", "caMaterial", "registryAuth", "context", "disableDockerDaemonCheck"])
def test_every_other_setting_of_the_provider_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="does not know this field"):
        DockerConfig().check({name: "x"})


def task(state: str, *, error: str = "", message: str = "", node: str = "n1") -> dict[str, object]:
    status = {"State": state, "Message": message} | ({"Err": error} if error else {})
    return {"NodeID": node, "Status": status}


def test_failed_tasks_are_told_once_each_newest_first() -> None:
    found = [
        task("running", message="started"),
        task("rejected", error="No such image: none:1"),
        task("rejected", error="No such image: none:1"),
        task("failed", error="task: non-zero exit (1)", node="n2"),
        task("pending", error="no suitable node", node=""),
        task("failed", error="too old to be shown"),
    ]
    assert summarize(found, {"n1": "manager"}) == (
        "its last tasks: rejected on manager: No such image: none:1; failed on n2: task: non-zero exit (1); "
        "pending: no suitable node"
    )


def test_tasks_without_an_error_are_told_by_their_state() -> None:
    assert summarize([task("preparing", message="preparing")], {}) == "its last tasks: preparing on n1: preparing"
    assert summarize([], {}) == "it has no tasks yet"
