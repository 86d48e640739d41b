"""What a sign-in service tells of a person's e-mail address: whether it may be the person's name, and whether it is kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.web import HTTPError

Model = dict[str, Any]
Hook = Callable[[Any, Any, Model], Awaitable[Model]]

# OpenID Connect's claim, and Google's own.
CLAIMS = ("email_verified", "verified_email")
# Services that have such a claim, so that their silence means "not verified". github's and globus' names are no addresses;
# cilogon passes on what the listed identity providers say, without a claim.
SAY_SO = ("generic", "google")


def verified(info: dict[str, Any]) -> bool | None:
    """What the service says of the person's address, None where it says nothing. Some say it as a text."""
    said = [info[claim] for claim in CLAIMS if info.get(claim) is not None]
    return all(value is True or value == "true" for value in said) if said else None


def after_sign_in(auth: str, trusted: bool) -> Hook:
    """The `post_auth_hook` for a sign-in service: of what it told, keep the e-mail address, and no token.

    An address that is not verified may be anybody's: it is not kept, and does not do as a user's name, unless it is `trusted`.
    Raises tornado's HTTPError 403 for such a name.
    """

    async def hook(authenticator: Any, _: Any, model: Model) -> Model:
        info = (model.get("auth_state") or {}).get(authenticator.user_auth_state_key) or {}
        refuse_lookalikes(authenticator.user_info_to_username(info))
        email = info["email"] if isinstance(info.get("email"), str) else ""
        said = True if trusted else verified(info)
        holds = said is True or (said is None and auth not in SAY_SO)
        # By the claim too, since the owner's own configuration may map addresses to other names.
        by_claim = auth in SAY_SO and _made_of_the_address(authenticator.username_claim, info)
        if not holds and email and (by_claim or (said is False and authenticator.normalize_username(email) == model["name"])):
            _refuse(authenticator, email, said)
        return {**model, "auth_state": {"email": email if holds else ""}}

    return hook


def _made_of_the_address(claim: Any, info: dict[str, Any]) -> bool:
    """Whether a name is, or would be another one without the address. `claim` is one of the service's, or a function that the
    owner's own configuration has in its place."""
    if not callable(claim):
        return bool(claim == "email")
    try:
        return bool(claim({**info, "email": ""}) != claim(info))
    except Exception:  # it cannot do without
        return True


def refuse_lookalikes(name: str) -> None:
    """Raises HTTPError 403 for a name with a sign that becomes another letter in lower case (that of Kelvin a k, that of Angstrom
    an å): the service tells it from the plain name, and the hub, which lowers names, would not."""
    plain = [(letter, unicodedata.normalize("NFKC", letter)) for letter in name]
    if any(letter != other and letter.lower() == other.lower() for letter, other in plain):
        raise HTTPError(403, f"{name} has a letter that this hub cannot tell from another; use a name with plain letters")


def _refuse(authenticator: Any, email: str, said: bool | None) -> None:
    if said is False:
        raise HTTPError(403, f"{email} is not verified at the sign-in service: confirm it there first")
    authenticator.log.warning(
        "Refused %s: the sign-in service has no claim email_verified. If nobody can enter an address of somebody else's there, "
        "set oauth.trustUnverifiedEmail; else another oauth.usernameClaim",
        email,
    )
    raise HTTPError(
        403, f"The sign-in service does not say that {email} is verified, so it may be anybody's. Please tell an administrator."
    )
