"""A browser as far as sign-in needs one: cookies, redirections, and the forms on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests

ANSWER_S = 30


class BrowserSession:
    """One person's browser at the hub at `url`, which ends with a slash; `verify` is requests'."""

    def __init__(self, url: str, verify: bool | str = True) -> None:
        self.url, self._session = url, requests.Session()
        self._session.trust_env, self._session.verify = False, verify

    def get(self, path: str) -> requests.Response:
        """A page of the hub, after redirections."""
        return self._session.get(urljoin(self.url, path), timeout=ANSWER_S)

    def post(self, path: str, **form: str) -> requests.Response:
        """Send a form of the hub, with the token that it wants against forged requests."""
        page = self.get(path)
        return self._session.post(page.url, data={**form, "_xsrf": self._token()}, timeout=ANSWER_S)

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        """A request to the hub's API, as its own pages send them; `body` becomes JSON."""
        headers = {"Referer": urljoin(self.url, "hub/home"), "X-XSRFToken": self._token()}
        url = urljoin(self.url, f"hub/api/{path}")
        return self._session.request(method, url, headers=headers, json=body, timeout=ANSWER_S)

    def _token(self) -> str:
        return next((str(cookie.value) for cookie in self._session.cookies if cookie.name == "_xsrf"), "")

    def through_provider(self, subject: str) -> requests.Response:
        """Sign in at the hub by the provider's page, there as `subject`; the hub's answer at the end of the way."""
        page = self.get("hub/oauth_login")
        assert "/oauth2/authorize" in page.url, f"not sent to the provider, but to {page.url}"
        return self._session.post(page.url, data={"sub": subject}, timeout=ANSWER_S)

    def model(self) -> dict[str, Any]:
        """Who the hub takes this browser for, by its API; empty for nobody."""
        answer = self.api("GET", "user")
        return dict(answer.json()) if answer.status_code == 200 else {}
