"""From the stack's settings to JupyterHub's authenticator: its class and its traits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.hub.name_rules import USERNAME_PATTERN
from services.hub.told_addresses import after_sign_in

Traits = dict[str, Any]


def authenticator(settings: dict[str, Any], secrets: Path) -> dict[str, Traits]:
    """Traits by the sections of JupyterHub's configuration.

    `settings` has `auth`, `admins`, `allowed_users` and `oauth` (components/sign_in.py); `secrets` is the folder with
    the files client-secret, crypt-key, password and admin-password, as far as the way of signing in needs them.
    """
    everyone = {
        "admin_users": set(settings["admins"]),
        "allowed_users": set(settings["allowed_users"]),
        # By default the list only ever grows: whoever was on it once may come back for ever.
        "allow_existing_users": False,
        "username_pattern": USERNAME_PATTERN,
        "any_allow_config": True,  # settings without any were refused before; the hub would warn of ways that it does not know
    }
    name, traits = _CLASSES[settings["auth"]]
    if not settings["oauth"]:
        return {"JupyterHub": {"authenticator_class": name}, "Authenticator": everyone, **traits(settings, secrets)}
    oauth = settings["oauth"]
    common = {
        "client_id": oauth["clientId"],
        "client_secret": _read(secrets, "client-secret"),
        "oauth_callback_url": oauth["callbackUrl"],
        "allow_all": oauth["allowAnyone"],
        # One click less: there is no other way to sign in here.
        "auto_login": True,
        # Of what the service tells, only the e-mail address is kept (`after_sign_in`), so there are no tokens to refresh.
        "enable_auth_state": True,
        "post_auth_hook": after_sign_in(settings["auth"], oauth.get("trustUnverifiedEmail", False)),
        "auth_refresh_age": 0,
    }
    section = name.rpartition(".")[2]
    return {
        "JupyterHub": {"authenticator_class": name},
        "Authenticator": everyone,
        "CryptKeeper": {"keys": [_read(secrets, "crypt-key")]},
        section: {**common, **traits(oauth, settings)},
    }


def _github(oauth: Traits, _: Traits) -> Traits:
    # Membership may be private, and so may be the address (https://docs.github.com/en/apps/oauth-apps, scopes).
    scope = ["user:email", *(["read:org"] if oauth["organizations"] else [])]
    return {"allowed_organizations": set(oauth["organizations"]), "scope": scope}


def _google(oauth: Traits, settings: Traits) -> Traits:
    domains = oauth["hostedDomains"]
    return {
        "hosted_domain": domains,
        # Google's class takes hosted domains for a bound only. Here they admit, too, unless people are named besides.
        "allow_all": oauth["allowAnyone"] or bool(domains and not settings["allowed_users"]),
        # Else everybody's name would change when a second domain is added.
        "strip_domain": False,
    }


def _cilogon(oauth: Traits, _: Traits) -> Traits:
    provider = {
        "username_derivation": {"username_claim": oauth["usernameClaim"]},
        "allowed_domains": oauth["allowedDomains"],
        "allowed_domains_claim": "email",
    }
    return {"idps": dict.fromkeys(oauth["identityProviders"], provider)}


def _globus(oauth: Traits, _: Traits) -> Traits:
    groups = ["urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"] if oauth["groups"] else []
    return {
        # The class cuts names at the @: with people of several domains, two could have the same name.
        "identity_provider": oauth["identityProvider"],
        "allowed_globus_groups": set(oauth["groups"]),
        "scope": ["openid", "profile", "email", *groups],
    }


def _generic(oauth: Traits, _: Traits) -> Traits:
    groups = {
        "manage_groups": True,
        "auth_state_groups_key": f"oauth_user.{oauth['groupsClaim']}",
        "allowed_groups": set(oauth["allowedGroups"]),
    }
    return {
        "authorize_url": oauth["authorizeUrl"],
        "token_url": oauth["tokenUrl"],
        "userdata_url": oauth["userdataUrl"],
        "username_claim": oauth["usernameClaim"],
        "scope": oauth["scopes"],
        "login_service": oauth["serviceName"],
        **(groups if oauth["allowedGroups"] else {}),
    }


def _native(_: Traits, secrets: Path) -> dict[str, Traits]:
    return {
        "AdminsFirstAuthenticator": {
            "admin_password": _read(secrets, "admin-password"),
            "allow_all": True,  # whoever an admin has admitted
            "check_common_password": True,
            "minimum_password_length": 10,
        },
    }


def _dummy(settings: Traits, secrets: Path) -> dict[str, Traits]:
    return {
        "SharedPasswordAuthenticator": {
            "user_password": _read(secrets, "password"),
            "admin_password": _read(secrets, "admin-password"),
            "allow_all": not settings["allowed_users"],
        },
    }


def _read(secrets: Path, name: str) -> str:
    return (secrets / name).read_text().strip()


_CLASSES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "github": ("oauthenticator.github.GitHubOAuthenticator", _github),
    "google": ("oauthenticator.google.GoogleOAuthenticator", _google),
    "cilogon": ("oauthenticator.cilogon.CILogonOAuthenticator", _cilogon),
    "globus": ("oauthenticator.globus.GlobusOAuthenticator", _globus),
    "generic": ("oauthenticator.generic.GenericOAuthenticator", _generic),
    "native": ("services.hub.native_admins.AdminsFirstAuthenticator", _native),
    "dummy": ("shared-password", _dummy),
}
