"""Native sign-in in which nobody can register under an admin's name: the admins have their accounts before anybody comes."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

import bcrypt
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from traitlets import Unicode


class AdminsFirstAuthenticator(NativeAuthenticator):  # type: ignore[misc]  # it has no types
    """NativeAuthenticator admits whoever registers first under an admin's name (1.3.0, `create_user`), and so would make a
    stranger an admin of a new hub. Here admins do not register: at each start the hub makes the accounts that are missing.
    Each opens with one generated password, and with the admin's own once there is one (/hub/change-password)."""

    admin_password = Unicode(config=True, help="Opens each admin's account, besides the account's own password.")

    def add_new_table(self) -> None:
        super().add_new_table()
        for name in sorted(self.reserved_names()):
            self._prepare(name)
        self.db.commit()

    def reserved_names(self) -> set[str]:
        """The admins' names, as they are compared."""
        return {self.normalize_username(name) for name in self.admin_users}

    def user_exists(self, username: str) -> bool:
        """Whether a name is taken, as an admin's is even when the account was deleted."""
        return self.normalize_username(username) in self.reserved_names() or bool(super().user_exists(username))

    async def authenticate(self, handler: Any, data: dict[str, str]) -> Any:
        """The generated password always opens, since a new swarm has another one, and the accounts are on the state volume."""
        name = self.normalize_username(data["username"])
        if name in self.reserved_names() and compare_digest(data["password"].encode(), self.admin_password.encode()):
            return name
        return await super().authenticate(handler, data)

    def _prepare(self, name: str) -> None:
        """An account that is there and admitted stays as it is. One that waits to be admitted may be a stranger's, who was
        here before the name became an admin's: it gets the password that only the stack's owner knows."""
        account = self.get_user(name)
        if account is not None and account.is_authorized:
            return
        if account is None:
            account = UserInfo(username=name)
            self.db.add(account)
        account.password = bcrypt.hashpw(self.admin_password.encode(), bcrypt.gensalt())
        account.is_authorized = True
        account.has_2fa = False
        self.log.info("Made the account of the admin %s; its password is the stack's output adminPassword", name)
