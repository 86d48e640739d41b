"""What fails, and what is said then: bad inputs, services whose tasks do not come, engines out of reach.

The outcome is the same with the stand-in and with the vendor's plugin; the words that are asserted are the stand-in's.
"""

import pytest

from tests.integration.docker_engine import IMAGE
from tests.integration.docker_programs import Resource, Swarm, service
from tests.integration.workspace import Result

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("docker",)

SHORT = {"delay": "1s", "timeout": "6s"}


def expect_failure(swarm: Swarm, result: Result, *words: str) -> None:
    """It failed, and the stand-in said so."""
    assert not result.ok, result.output
    if swarm.is_stand_in:
        for text in words:
            assert text in result.output, result.output


def test_a_new_service_without_its_image_fails_with_the_tasks_own_words_and_is_removed(swarm: Swarm) -> None:
    swarm.declare(service(converge_config=SHORT, task_spec__container_spec__image="nowhere/none:1"))
    failed = swarm.pulumi.up()
    words = "cannot create the service web: 0 of 1 tasks run after 6s", "No such image: nowhere/none:1"
    expect_failure(swarm, failed, *words, "the service was removed again")
    assert [item for item in failed.resources if item["type"] == "docker:index/service:Service"] == []
    swarm.expect_nothing_left()


def test_a_service_that_no_node_may_run_says_so_and_the_next_up_repairs_it(swarm: Swarm) -> None:
    swarm.declare(service(converge_config=SHORT))
    made = swarm.pulumi.up().expect_ok()
    swarm.declare(service(converge_config=SHORT, task_spec__placement={"constraints": ["node.role==worker"]}))
    failed = swarm.pulumi.up()
    expect_failure(swarm, failed, "no suitable node (scheduling constraints not satisfied on 1 node)")
    assert failed.resource("web")["id"] == made.resource("web")["id"], "the service is kept, as it is now"
    swarm.declare(service(task_spec__placement={"constraints": []}))
    swarm.pulumi.up().expect_ok()
    assert swarm.pulumi.preview(refresh=True).expect_ok().changes == {}
    swarm.pulumi.destroy().expect_ok()


def test_an_update_that_the_swarm_takes_back_fails_with_the_tasks_own_words(swarm: Swarm) -> None:
    careful = {"failure_action": "rollback", "monitor": "2s"}
    swarm.declare(service(update_config=careful))
    swarm.pulumi.up().expect_ok()
    swarm.declare(service(update_config=careful, task_spec__container_spec__commands=["no-such-program"]))
    failed = swarm.pulumi.up()
    words = "rollback_completed", "no-such-program", "the service web did not become what it was updated to"
    expect_failure(swarm, failed, *words)
    swarm.declare(service(update_config=careful))
    swarm.pulumi.up(refresh=True).expect_ok()
    assert swarm.pulumi.preview().expect_ok().changes == {}
    swarm.pulumi.destroy().expect_ok()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            service(task_spec__restart_policy={"delay": "5 minutes"}),
            "restartPolicy.delay value {<nil>} has a problem: '5 minutes'",
        ),
        (service(mode={"global": True}), "mode.global value {<nil>} has a problem: cannot be true beside convergeConfig"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_made(swarm: Swarm, wrong: Resource, words: str) -> None:
    swarm.declare(wrong)
    expect_failure(swarm, swarm.pulumi.preview(), words)


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (
            ("Network", "net", {"ipv6": True}),
            "the stand-in plugin for docker:index/network:Network",
        ),
        (("Tag", "tag", {"source_image": IMAGE, "target_image": "x:1"}), "docker:index/tag:Tag"),
    ],
)
def test_what_only_the_vendors_plugin_knows_is_refused(swarm: Swarm, unknown: Resource, words: str) -> None:
    if not swarm.is_stand_in:
        pytest.skip("the vendor's plugin knows these")
    swarm.declare(unknown)
    expect_failure(swarm, swarm.pulumi.preview(), words)


def test_what_the_daemon_refuses_is_told_in_its_words(swarm: Swarm) -> None:
    ports = {"mode": "dnsrr", "ports": [{"target_port": 80, "published_port": 8080}]}
    swarm.declare(service(endpoint_spec=ports))
    expect_failure(swarm, swarm.pulumi.up(), "cannot create the service web: ", "ingress", "dnsrr")
    swarm.expect_nothing_left()


def test_an_engine_that_does_not_run_is_named(swarm: Swarm) -> None:
    swarm.connect(host="unix:///nowhere/docker.sock")
    swarm.declare(("Volume", "vol", {}))
    words = "cannot use Docker at unix:///nowhere/docker.sock: No such file or directory", "is the daemon running"
    expect_failure(swarm, swarm.pulumi.up(), *words)


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ({"host": "tcp://127.0.0.1:2375"}, "which knows ssh://[user@]host[:port] and unix:///path"),
        ({"cert_path": "/certs"}, "the stand-in plugin for the provider does not know this field"),
        ({"host": "ssh://user:word4711@127.0.0.1"}, "without a password"),
    ],
)
def test_a_provider_setting_of_another_kind_is_refused(swarm: Swarm, provider: dict[str, str], words: str) -> None:
    if not swarm.is_stand_in:
        pytest.skip("the vendor's plugin knows these")
    swarm.connect(**{"host": swarm.engine.host, **provider})
    swarm.declare(("Volume", "vol", {}))
    failed = swarm.pulumi.preview()
    expect_failure(swarm, failed, words)
    assert "word4711" not in "".join(failed.messages)
