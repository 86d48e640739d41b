"""A small client of JupyterHub over HTTP: it signs in by the form as a browser does, then uses the REST API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

import requests

from tests.e2e.kernel import Kernel
from tests.e2e.waiting import wait_for

# Seconds. A notebook server takes two seconds to start on hardware and some minutes on an emulated machine.
SPAWN_LIMIT, STOP_LIMIT, KERNEL_LIMIT, ANSWER_LIMIT = 420, 180, 300, 90
TOKEN_LIFETIME = 12 * 3600


class HubError(AssertionError):
    """The hub or a notebook server said no. The text names the request, the status and what was answered."""


class SignInRefusedError(HubError):
    """The sign-in form was sent back: wrong name or password."""


class SpawnFailedError(HubError):
    """The hub reported that a server did not start. `progress` is what it had told until then."""

    def __init__(self, text: str, progress: list[Progress]) -> None:
        super().__init__(text)
        self.progress = progress


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One line of the spawn page: its text, the bar's percent, and seconds since the start was asked for."""

    message: str
    percent: int
    seconds: float
    ready: bool = False
    failed: bool = False


def _session(verify: bool | str) -> requests.Session:
    session = requests.Session()
    session.verify = verify
    session.trust_env = False  # else REQUESTS_CA_BUNDLE, where it is set, would count more than `verify`
    return session


def sign_in(url: str, name: str, password: str, *, verify: bool | str = True) -> HubUser:
    """Sign in by the form and get an API token of the user's own. `url` ends with a slash; `verify` is requests'.

    Raises SignInRefusedError for a wrong password, HubError if the hub answers otherwise than its form promises.
    """
    session = _session(verify)
    page = session.get(urljoin(url, "hub/login"), timeout=ANSWER_LIMIT)
    _expect(page, 200)
    form = {"username": name, "password": password, "_xsrf": _xsrf(session)}
    answer = session.post(urljoin(url, "hub/login"), data=form, allow_redirects=False, timeout=ANSWER_LIMIT)
    if answer.status_code == 403:
        raise SignInRefusedError(f"the hub refused {name!r}: {_error_text(answer)}")
    _expect(answer, 302)
    # Signing in changes the session, and with it the token that guards against forged requests: any page sets the new one.
    _expect(session.get(urljoin(url, "hub/home"), timeout=ANSWER_LIMIT), 200)
    made = session.post(
        urljoin(url, f"hub/api/users/{quote(name)}/tokens"),
        json={"note": "end-to-end tests", "expires_in": TOKEN_LIFETIME},
        headers={"X-XSRFToken": _xsrf(session)},
        timeout=ANSWER_LIMIT,
    )
    _expect(made, 200, 201)
    return HubUser(url, name, str(made.json()["token"]), session)


class HubUser:
    """A signed-in user. Requests carry the user's token, to the hub's API and to the user's own server; `pages` the cookies."""

    def __init__(self, url: str, name: str, token: str, pages: requests.Session) -> None:
        self.url, self.name, self._pages, self._verify = url, name, pages, pages.verify or False
        self.server_url = urljoin(url, f"user/{quote(name)}/")
        self._session = _session(self._verify)
        self._headers = {"Authorization": f"token {token}"}

    def request(self, method: str, address: str, *expected: int, **options: Any) -> requests.Response:
        """Send a request to `address` (relative to the site) and return its answer; HubError unless as `expected`."""
        answer = self._session.request(
            method,
            urljoin(self.url, address),
            headers=self._headers,
            timeout=options.pop("timeout", ANSWER_LIMIT),
            **options,
        )
        _expect(answer, *(expected or (200,)))
        return answer

    def page(self, address: str) -> str:
        """A page of the hub as the user's browser gets it, after redirections."""
        answer = self._pages.get(urljoin(self.url, address), timeout=ANSWER_LIMIT)
        _expect(answer, 200)
        return answer.text

    def model(self, name: str = "") -> dict[str, Any]:
        """The hub's own record of a user, by default of this one."""
        return dict(self.request("GET", f"hub/api/users/{quote(name or self.name)}").json())

    def server(self, name: str = "") -> dict[str, Any] | None:
        """The hub's record of a user's server (`ready`, `pending`, `started`...), or None where there is none."""
        servers: dict[str, dict[str, Any]] = self.model(name).get("servers") or {}
        return servers.get("")

    def start(self, limit_s: float = SPAWN_LIMIT, options: dict[str, str] | None = None) -> list[Progress]:
        """Start the user's server and wait until it answers; return what the spawn page would have shown.

        `options` are what a form would send, such as `profile`.
        A server that runs already is left as it is. Raises SpawnFailedError with the hub's reason.
        """
        began = time.monotonic()
        answer = self.request("POST", f"hub/api/users/{quote(self.name)}/server", 201, 202, 400, 500, json=options)
        # A start that fails at once is answered with 500; what the spawn page shows of it comes as the last line of progress.
        if answer.status_code == 400 and not (self.server() or {}).get("ready"):
            raise SpawnFailedError(f"{self.name}'s server did not start: {_error_text(answer)}", [])
        seen: list[Progress] = []
        for event in self._progress(began, limit_s):
            seen.append(event)
            if event.failed:
                raise SpawnFailedError(f"{self.name}'s server did not start: {event.message}", seen)
            if event.ready:
                return seen
        told = "; ".join(f"{event.seconds:.0f} s {event.message}" for event in seen) or "nothing"
        raise SpawnFailedError(f"{self.name}'s server was not ready after {limit_s:.0f} s; the hub told: {told}", seen)

    def _progress(self, began: float, limit_s: float) -> Iterator[Progress]:
        """The hub's progress events, until ready, failed or the limit; taken up again when the hub restarts."""
        address = f"hub/api/users/{quote(self.name)}/server/progress"
        while time.monotonic() - began < limit_s:
            try:
                # The hub writes a line each 8 s to keep the stream alive: silence for longer than the limit is a loss.
                with self.request("GET", address, stream=True) as stream:
                    for line in stream.iter_lines(decode_unicode=True):
                        if time.monotonic() - began > limit_s:
                            return
                        if line.startswith("data:"):
                            yield _progress_event(json.loads(line[5:]), time.monotonic() - began)
            except requests.RequestException:
                time.sleep(1)

    def stop(self, name: str = "", limit_s: float = STOP_LIMIT) -> None:
        """Stop the server of the user (for admins: of another one), if there is one, and wait until it is gone."""
        name = name or self.name
        wait_for(f"{name}'s server to settle", lambda: not (self.server(name) or {}).get("pending"), limit_s=limit_s)
        if self.server(name) is not None:
            self.request("DELETE", f"hub/api/users/{quote(name)}/server", 202, 204)
            wait_for(f"{name}'s server to stop", lambda: self.server(name) is None, limit_s=limit_s)

    def delete_user(self, name: str) -> None:
        """Delete another user, whose server has stopped, from the hub (admins only)."""
        self.request("DELETE", f"hub/api/users/{quote(name)}", 204)

    def open_kernel(self, limit_s: float = KERNEL_LIMIT) -> Kernel:
        """Start a kernel on the user's server, open its websocket and wait until it answers."""
        made = self.request("POST", f"user/{quote(self.name)}/api/kernels", 201, json={"name": "python3"}, timeout=limit_s)
        address = urljoin(self.server_url, f"api/kernels/{made.json()['id']}/channels")
        kernel = Kernel(address, self._headers, verify=self._verify)
        kernel.connect(limit_s)
        return kernel


def _xsrf(session: requests.Session) -> str:
    for cookie in session.cookies:
        if cookie.name == "_xsrf" and cookie.path.rstrip("/").endswith("/hub") and cookie.value:
            return cookie.value
    raise HubError("the hub's pages set no _xsrf cookie for /hub/, without which it accepts no form")


def _progress_event(event: dict[str, Any], seconds: float) -> Progress:
    return Progress(
        message=str(event.get("message", "")),
        percent=int(event.get("progress", 0)),
        seconds=seconds,
        ready=bool(event.get("ready")),
        failed=bool(event.get("failed")),
    )


def _expect(answer: requests.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        wanted = " or ".join(str(status) for status in statuses)
        raise HubError(
            f"{answer.request.method} {answer.url.split('?')[0]} answered {answer.status_code}, expected {wanted}: "
            f"{_error_text(answer)}"
        )


def _error_text(answer: requests.Response) -> str:
    """What an answer says of itself: the API's message, or the text of the page without its markup."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        page = re.sub(r"<(script|style|head)\b.*?</\1>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
        return " ".join(page.split())[:400]
