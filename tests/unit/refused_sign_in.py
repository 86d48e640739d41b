"""For every key of sign-in and of the hub's limits a value that is refused, and the whole line that its user reads."""

from __future__ import annotations

_TIME = "must be 0 (off), or a time such as 90m, 2h or 7d, of at least 10m"

REFUSED_SIGN_IN = {
    "auth": ("ldap", "auth: 'ldap' must be one of github, google, cilogon, globus, generic, native, dummy"),
    "oauth": ("[1]", "oauth: '[1]' must be an object: pulumi config set --path 'oauth[\"NAME\"]' VALUE"),
    "admins": ('["ada", " "]', "admins: '' must be set: the name that the admin signs in with"),
    "allowedUsers": ('[""]', "allowedUsers: '' must be set: the name that the user signs in with"),
    "allowDummyOnPublicAddress": ("yes", "allowDummyOnPublicAddress: 'yes' must be true or false"),
    "hubExtraConfig": (
        "none.py",
        "hubExtraConfig: 'none.py' cannot be read (No such file or directory): "
        "set hubExtraConfig to a Python file, or leave it empty",
    ),
    "idleTimeout": ("5m", f"idleTimeout: '5m' {_TIME}"),
    "maxAge": ("7", f"maxAge: '7' {_TIME}"),
    "namedServers": ("21", "namedServers: '21' must be a whole number from 0 to 20"),
    "concurrentSpawnLimit": ("all", "concurrentSpawnLimit: 'all' must be a whole number from 0 to 1000"),
    "activeServerLimit": ("-1", "activeServerLimit: '-1' must be a whole number from 0 to 10000"),
}
