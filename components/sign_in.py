"""Sign-in: the ways there are, and the setting `oauth`, whose entries depend on the sign-in service."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pulumi

from components import rules
from services.hub.name_rules import user_refusal


class Auth(enum.StrEnum):
    """How people sign in."""

    GITHUB = "github"
    GOOGLE = "google"
    CILOGON = "cilogon"
    GLOBUS = "globus"
    GENERIC = "generic"
    NATIVE = "native"
    DUMMY = "dummy"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of `oauth`. `rule` makes its value of what the user wrote; `remedy` tells where a required one comes from;
    `admits` is whether the entry by itself lets people in."""

    rule: Callable[[Any], Any]
    remedy: str = ""
    default: Any = None
    admits: bool = False


def text(value: Any) -> str:
    """A text; `pulumi config set --path` makes a number of digits."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise ValueError("must be a text")
    return str(value).strip()


def flag(value: Any) -> bool:
    """true or false, also as text."""
    return value if isinstance(value, bool) else rules.boolean(str(value))


def texts(value: Any) -> list[str]:
    """A list of texts, or one text for a list of one."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise ValueError("must be a list of texts")
    return [text(item) for item in values]


def domains(value: Any) -> list[str]:
    """Domain names, in lower case."""
    return [rules.host_name(item.removeprefix("@")) for item in texts(value)]


def entity_ids(value: Any) -> list[str]:
    """EntityIDs of identity providers, which are addresses or URNs."""
    for entity in texts(value):
        if urlsplit(entity).scheme not in ("https", "http", "urn"):
            raise ValueError("must be EntityIDs, such as https://idp.example.edu/idp/shibboleth")
    return texts(value)


def web_address(value: Any) -> str:
    """An address that secrets may be sent to: https, or http to a private address."""
    address = urlsplit(text(value))
    if not address.hostname or address.scheme not in ("http", "https"):
        raise ValueError("must be an address such as https://login.example.org/oauth2/token")
    if address.scheme == "http" and not _private(address.hostname):
        raise ValueError("must begin with https://, since the client secret and people's data travel to it")
    return text(value)


def _private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


_CLIENT = Entry(rule=text, remedy="the id that the sign-in service gave when this hub was registered there (docs/sign-in.md)")
_ANYONE = Entry(rule=flag, default=False, admits=True)
_URL = "an entry of <issuer>/.well-known/openid-configuration"

# What each sign-in service takes, beside clientId and allowAnyone.
_OWN: dict[Auth, dict[str, Entry]] = {
    Auth.GITHUB: {"organizations": Entry(rule=texts, default=[], admits=True)},
    Auth.GOOGLE: {"hostedDomains": Entry(rule=domains, default=[], admits=True)},
    Auth.CILOGON: {
        "identityProviders": Entry(rule=entity_ids, remedy="the EntityIDs of https://cilogon.org/idplist whose people may come"),
        "usernameClaim": Entry(rule=text, default="email"),
        "allowedDomains": Entry(rule=domains, default=[], admits=True),
    },
    Auth.GLOBUS: {
        "identityProvider": Entry(
            rule=lambda value: rules.host_name(text(value)), remedy="the domain after the @ of its people, such as example.edu"
        ),
        "groups": Entry(rule=texts, default=[], admits=True),
    },
    Auth.GENERIC: {
        "authorizeUrl": Entry(rule=web_address, remedy=f"authorization_endpoint, {_URL}"),
        "tokenUrl": Entry(rule=web_address, remedy=f"token_endpoint, {_URL}"),
        "userdataUrl": Entry(rule=web_address, remedy=f"userinfo_endpoint, {_URL}"),
        "usernameClaim": Entry(rule=text, default="preferred_username"),
        "trustUnverifiedEmail": Entry(rule=flag, default=False),
        "scopes": Entry(rule=texts, default=["openid", "profile", "email"]),
        "groupsClaim": Entry(rule=text, default="groups"),
        "allowedGroups": Entry(rule=texts, default=[], admits=True),
        "serviceName": Entry(rule=text, default="your account"),
    },
}
ENTRIES = {auth: {"clientId": _CLIENT, **own, "allowAnyone": _ANYONE} for auth, own in _OWN.items()}

# Where the callback address is entered.
REGISTRATION = {
    Auth.GITHUB: "https://github.com/settings/developers, OAuth Apps, as 'Authorization callback URL'",
    Auth.GOOGLE: "https://console.cloud.google.com/apis/credentials, OAuth client ID, under 'Authorized redirect URIs'",
    Auth.CILOGON: "https://cilogon.org/oauth2/register, under 'Callback URLs'",
    Auth.GLOBUS: "https://app.globus.org/settings/developers, under 'Redirects'",
    Auth.GENERIC: "the registration of this hub at your OpenID provider, as redirect URI",
}


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How people sign in and who may. `oauth` has every entry of its service, and is empty without one."""

    auth: Auth
    admins: tuple[str, ...]
    allowed_users: tuple[str, ...]
    oauth: Mapping[str, Any]

    @property
    def with_oauth(self) -> bool:
        return self.auth in ENTRIES

    def outputs(self, domain: str) -> dict[str, str]:
        """What the stack tells of the sign-in service: the callback address, and where it is entered."""
        if not self.with_oauth:
            return {}
        return {"oauthCallbackUrl": callback_url(domain), "oauthCallbackHelp": f"enter it at {REGISTRATION[self.auth]}"}

    def rendered(self, domain: str) -> dict[str, Any]:
        """What services/hub/sign_in.py reads."""
        return {
            "auth": str(self.auth),
            "admins": list(self.admins),
            "allowed_users": list(self.allowed_users),
            "oauth": {**self.oauth, "callbackUrl": callback_url(domain)} if self.with_oauth else {},
        }


def callback_url(domain: str) -> str:
    """Where a sign-in service sends people back to. Not left to the hub's guess, which goes by what the last proxy says."""
    return f"https://{domain}/hub/oauth_callback"


def parse(auth: Auth, admins: tuple[str, ...], allowed_users: tuple[str, ...], values: Mapping[str, Any]) -> SignIn:
    """Read the setting `oauth` for a sign-in service. Raises ValueError with the whole line: key, value, rule and remedy."""
    entries = ENTRIES.get(auth)
    if entries is None:
        if values:
            raise ValueError(f"oauth: belongs to a sign-in service, but auth is {auth}: remove one of them")
        if auth is Auth.NATIVE and allowed_users:
            raise ValueError("allowedUsers: does nothing with auth native, where admins admit people: leave it empty")
        return SignIn(auth=auth, admins=admins, allowed_users=allowed_users, oauth={})
    _refuse_strangers(auth, entries, values)
    oauth = {name: _value(auth, name, entry, values) for name, entry in entries.items()}
    if not allowed_users and not any(oauth[name] for name, entry in entries.items() if entry.admits):
        ways = ", ".join(f"oauth.{name}" for name, entry in entries.items() if entry.admits)
        raise ValueError(f"auth: {auth} would let in the admins alone; say who may sign in: allowedUsers, {ways}")
    return SignIn(auth=auth, admins=admins, allowed_users=allowed_users, oauth=oauth)


def _refuse_strangers(auth: Auth, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    if "clientSecret" in values:  # its value is not shown
        raise ValueError("oauth.clientSecret: is a secret of its own: pulumi config set --secret clientSecret")
    for name in sorted(set(values) - set(entries)):
        raise ValueError(f"oauth.{name}: {values[name]!r} is no entry of auth {auth}, which has {', '.join(entries)}")


def _value(auth: Auth, name: str, entry: Entry, values: Mapping[str, Any]) -> Any:
    if name not in values and entry.remedy:
        raise ValueError(f"oauth.{name}: must be set with auth {auth}: {entry.remedy}")
    if name not in values:
        return entry.default
    try:
        return entry.rule(values[name])
    except ValueError as error:
        raise ValueError(f"oauth.{name}: {values[name]!r} {error}") from None


def contradictions(
    auth: Auth,
    admins: tuple[str, ...],
    allowed_users: tuple[str, ...],
    values: Mapping[str, Any],
    *,
    domain: str,
    dummy_refused: bool,
) -> Iterator[str]:
    """What does not go together, one line each."""
    if auth is Auth.NATIVE and not admins:
        yield "admins: empty, but with auth native an admin must admit the others; name at least one user"
    for name in admins:
        if auth is Auth.NATIVE and ("," in name or " " in name):
            yield f"admins: {name!r} has a comma or a blank, which no name has with auth native: the hub would not start"
    if auth in ENTRIES and not domain:
        yield f"domain: empty, but auth {auth} sends people back to a host name; set the one that users type"
    if auth is Auth.DUMMY and dummy_refused:
        yield (
            "auth: dummy lets in whoever has one shared password, under any name, and the hub has a public address; "
            "choose another, or set allowDummyOnPublicAddress to true for a test or a workshop"
        )
    for key, names in (("admins", admins), ("allowedUsers", allowed_users)):
        for name in names:
            if refusal := user_refusal(name):
                yield f"{key}: {name!r} cannot sign in, since {refusal}"
    try:
        parse(auth, admins, allowed_users, values)
    except ValueError as error:
        yield str(error)


def client_secret(auth: Auth, secret: pulumi.Output[str] | None) -> pulumi.Output[str] | None:
    """The client secret where there is a sign-in service, else None. Raises RunError where it is missing."""
    if auth not in ENTRIES:
        return None
    if secret is None:
        raise pulumi.RunError(
            f"clientSecret is not set, but auth is {auth}. The sign-in service shows it beside the client id; "
            "run: pulumi config set --secret clientSecret"
        )
    return secret
