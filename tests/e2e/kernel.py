"""A kernel over its websocket, in Jupyter's message format (the JSON one, without a subprotocol)."""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import websocket

HANDSHAKE_LIMIT = 60  # seconds
# What goes with the code of a cell.
EXECUTION = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}


class KernelError(AssertionError):
    """A kernel did not do what was asked. The text names the code and the reason."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a cell gave: printed text, its value (as text), and the error as `Name: text`; empty where there was none."""

    printed: str
    value: str
    error: str


class Kernel:
    """One kernel, one websocket. A thread reads it all the time, so that the server's pings are answered between cells.

    `address` is the http(s) address of the kernel's channels. `broken` is empty while the websocket has been open
    since `connect`; after that, the reason why it closed.
    """

    def __init__(self, address: str, headers: Mapping[str, str], *, verify: bool | str = True) -> None:
        scheme, *rest = urlsplit(address)
        self._session = uuid.uuid4().hex
        self.address = urlunsplit(("wss" if scheme == "https" else "ws", *rest))
        self.broken = "never connected"
        self._headers = dict(headers)
        self._tls = _tls_options(verify)
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def connect(self, limit_s: float) -> None:
        """Open the websocket and wait until the kernel answers. Also to come back to the same kernel later."""
        self._messages = queue.Queue()
        self._socket = websocket.create_connection(
            f"{self.address}?session_id={self._session}",
            header=self._headers,
            timeout=HANDSHAKE_LIMIT,
            sslopt=self._tls,
        )
        # A silent kernel is a healthy kernel: only the limit of a question ends a wait.
        self._socket.settimeout(None)
        self.broken = ""
        threading.Thread(target=self._read, args=(self._socket, self._messages), daemon=True).start()
        for message in self._ask("kernel_info_request", {}, limit_s):
            if message["msg_type"] == "kernel_info_reply":
                return

    def run(self, code: str, limit_s: float = 120) -> Output:
        """Run code as a cell and return its output. Raises KernelError if it is not done after `limit_s` seconds."""
        printed, value, error, replied, idle = "", "", "", False, False
        for message in self._ask("execute_request", {**EXECUTION, "code": code}, limit_s):
            kind, body = message["msg_type"], message["content"]
            if kind == "stream":
                printed += body["text"]
            elif kind in ("execute_result", "display_data"):
                value = body["data"].get("text/plain", "")
            elif kind == "error":
                error = f"{body['ename']}: {body['evalue']}"
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and body["execution_state"] == "idle")
            if replied and idle:
                break
        return Output(printed=printed, value=value, error=error)

    def begin(self, code: str, limit_s: float = 120) -> None:
        """Have the kernel begin with a cell, and leave it to itself."""
        next(self._ask("execute_request", {**EXECUTION, "code": code}, limit_s))

    def value(self, code: str, limit_s: float = 120) -> str:
        """The value of an expression, as text. Raises KernelError with the kernel's own error."""
        output = self.run(code, limit_s)
        if output.error:
            raise KernelError(f"{code!r} failed in the kernel: {output.error}")
        return output.value

    def close(self) -> None:
        """Close the websocket; the kernel goes on."""
        if not self.broken:
            self.broken = "closed by this client"
            self._socket.close()

    def _ask(self, kind: str, content: dict[str, Any], limit_s: float) -> Iterator[dict[str, Any]]:
        """Send a request and yield the messages that belong to it, without end: the caller knows the last one."""
        message_id = uuid.uuid4().hex
        header = {
            "msg_id": message_id,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "version": "5.3",
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        what = content.get("code", kind)
        if self.broken:
            raise KernelError(f"cannot ask {what!r}: the websocket is not open ({self.broken})")
        self._socket.send(json.dumps(request))
        until = time.monotonic() + limit_s
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise KernelError(f"the kernel did not finish {what!r} within {limit_s:.0f} s") from None
            if message is None:
                raise KernelError(f"the websocket closed during {what!r}: {self.broken}")
            if message.get("parent_header", {}).get("msg_id") == message_id:
                yield message

    def _read(self, socket: websocket.WebSocket, messages: queue.Queue[dict[str, Any] | None]) -> None:
        try:
            while True:
                text = socket.recv()
                if text:
                    messages.put(json.loads(text))
                elif not socket.connected:
                    raise websocket.WebSocketConnectionClosedException("the server closed it")
        except (websocket.WebSocketException, OSError, ValueError) as trouble:
            self.broken = self.broken or f"{type(trouble).__name__}: {trouble}"
            messages.put(None)


def _tls_options(verify: bool | str) -> dict[str, Any]:
    """requests' `verify` in websocket-client's words: a CA file, the system's CAs, or no check."""
    if isinstance(verify, str):
        return {"ca_certs": verify}
    return {} if verify else {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
