"""Settings are read once and checked before the first resource; what is refused is refused with key, value, rule and remedy."""

from __future__ import annotations

from dataclasses import fields

import pytest

from components import schema
from components.sign_in import Auth
from tests.unit.conftest import PUBLIC_KEY
from tests.unit.refused_values import REFUSED, LoadStack, refusals


@pytest.mark.parametrize("key", REFUSED)
def test_a_refusal_names_key_value_rule_and_remedy(load_stack: LoadStack, key: str) -> None:
    value, line = REFUSED[key]
    assert refusals(load_stack, **{key: value}) == [line]


def test_every_key_but_free_names_and_texts_has_a_rule() -> None:
    assert set(schema.load()) - set(REFUSED) == {"network", "registryUser", "volumeType", "announcement"}


def test_all_faults_are_reported_together(load_stack: LoadStack) -> None:
    lines = refusals(load_stack, **{key: value for key, (value, _) in REFUSED.items()})
    assert lines == [line for _, line in REFUSED.values()]


@pytest.mark.parametrize("text", ["ada", '{"ada": 1}', "[1]", '"ada"', "null"])
def test_a_list_that_is_none_is_refused_with_the_command_that_sets_one(load_stack: LoadStack, text: str) -> None:
    assert refusals(load_stack, admins=text) == [
        f"admins: {text!r} must be a list of strings: pulumi config set --path 'admins[0]' VALUE"
    ]


def test_what_is_not_set_has_the_default_of_the_project_file(load_stack: LoadStack) -> None:
    settings, keys = load_stack(), schema.load()
    assert settings.workers == int(keys["workers"].default)
    assert settings.manager_flavor == keys["managerFlavor"].default
    assert settings.ssh_allowed_cidrs == tuple(keys["sshAllowedCidrs"].default)
    assert settings.notebook_image.reference == keys["notebookImage"].default


def test_values_come_in_the_types_and_units_that_the_program_works_with(load_stack: LoadStack) -> None:
    settings = load_stack(
        auth="dummy",
        notebookMemoryLimit="1.5G",
        notebookCpuLimit="4",
        dnsNameservers='[" 192.0.2.53 "]',
        domain="Hub.Example.org",
    )
    assert settings.auth is Auth.DUMMY
    assert settings.notebook_memory_limit == 1536 * 1024**2
    assert settings.notebook_cpu_limit == 4.0
    assert settings.dns_nameservers == ("192.0.2.53",)
    assert settings.domain == "hub.example.org"
    assert settings.ssh_public_key == PUBLIC_KEY.strip()
    assert settings.hub_image.context is not None


def test_blanks_around_a_value_do_not_count(load_stack: LoadStack) -> None:
    assert load_stack(workers=" 3 ", image=" debian-13\n").image == "debian-13"


def test_settings_cannot_be_changed_after_they_were_checked(load_stack: LoadStack) -> None:
    settings = load_stack()
    for field in fields(settings):
        with pytest.raises(AttributeError):
            setattr(settings, field.name, None)


@pytest.mark.parametrize("key", ["homeQuotas", "backup"])
@pytest.mark.parametrize("text", ["ada", "[1]", "null"])
def test_an_object_that_is_none_is_refused_with_the_command_that_sets_one(load_stack: LoadStack, key: str, text: str) -> None:
    assert refusals(load_stack, **{key: text}) == [
        f"{key}: {text!r} must be an object: pulumi config set --path '{key}[\"NAME\"]' VALUE"
    ]


def test_users_of_any_name_may_have_homes_of_their_own_size(load_stack: LoadStack) -> None:
    settings = load_stack(homeQuotas='{"ada@example.org": "50G", "Grace H.": "64M"}')
    assert settings.home_quotas == {"ada@example.org": 50 * 1024**3, "grace h.": 64 * 1024**2}
