"""The rules for single config values: each takes the text and gives the value, or raises ValueError with rule and remedy."""

from __future__ import annotations

import base64
import enum
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
E_ = TypeVar("E_", bound=enum.StrEnum)


def not_empty(remedy: str) -> Callable[[str], str]:
    """A rule that refuses the empty text and tells what to write."""

    def rule(text: str) -> str:
        if not text:
            raise ValueError(f"must be set: {remedy}")
        return text

    return rule


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A rule for a whole number within `low` and `high`, both allowed."""

    def rule(text: str) -> int:
        if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return rule


def choice(options: type[E_]) -> Callable[[str], E_]:
    """A rule for the members of an enum."""

    def rule(text: str) -> E_:
        try:
            return options(text)
        except ValueError:
            raise ValueError(f"must be one of {', '.join(options)}") from None

    return rule


def cidr(text: str) -> str:
    """An IPv4 range in CIDR form, without host bits."""
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"must be an IPv4 range such as 10.20.0.0/24 ({error})") from None


def address(text: str) -> str:
    """An IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address such as 10.20.0.10") from None


def address_pool(text: str) -> str:
    """A private range with room for overlay networks of a /22 each: a /24 runs out near 100 services (moby#43052)."""
    pool = ipaddress.IPv4Network(cidr(text))
    if pool.prefixlen > 20 or not pool.is_private:
        raise ValueError("must be a private range of at least a /20, such as 10.200.0.0/16")
    return str(pool)


def overlap(one: str, other: str) -> bool:
    """Whether two ranges share an address."""
    return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))


def user_name(text: str) -> str:
    """A Unix user name, since it goes into ssh addresses and shell lines."""
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):
        raise ValueError("must be the image's default user, such as ubuntu or debian")
    return text


def host_name(text: str) -> str:
    """A DNS host name, or the empty text."""
    if text and (len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split("."))):
        raise ValueError("must be a host name such as hub.example.org, without scheme or path")
    return text.lower()


def email(text: str) -> str:
    """An e-mail address, or the empty text."""
    if text and not re.fullmatch(r"[^\s@,]+@[^\s@,]+\.[^\s@,]+", text):
        raise ValueError("must be one e-mail address such as ada@example.org, or empty")
    return text


def title(text: str) -> str:
    """A line of text for people."""
    if not 1 <= len(text) <= 60 or text != " ".join(text.split()) or not text.isprintable():
        raise ValueError("must be one line of 1 to 60 characters, with single spaces between words, such as Physics 101")
    return text


def cpus(text: str) -> float:
    """A number of CPUs, such as 0.5."""
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not 0 < float(text) <= 512:
        raise ValueError("must be a number of CPUs above 0, such as 0.5 or 2")
    return float(text)


def size(text: str) -> int:
    """Bytes of a size such as 512M or 2G (units are powers of 1024, as in Docker and JupyterHub)."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([KMGT])", text)
    number = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if number == 0:
        raise ValueError("must be a size above 0, such as 512M or 2G")
    return number


def home_size(text: str) -> int:
    """Bytes of a home: room at least for what Jupyter itself writes."""
    if size(text) < 32 * _UNITS["M"]:
        raise ValueError("is too small for a home: 32M at least")
    return size(text)


def boolean(text: str) -> bool:
    """true or false."""
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def duration(least: int) -> Callable[[str], int]:
    """A rule for seconds, minutes, hours or days, as seconds: 0 (off), or at least `least`."""

    def rule(text: str) -> int:
        match = re.fullmatch(r"(\d{1,6})(s|m|h|d)?", text)
        seconds = int(match[1]) * _SECONDS[match[2] or "s"] if match and (match[2] or match[1] == "0") else -1
        if seconds != 0 and seconds < least:
            raise ValueError(f"must be 0 (off), or a time such as 90m, 2h or 7d, of at least {least // 60}m")
        return seconds

    return rule


def python_file(text: str) -> str:
    """The content of a Python file, or the empty text. What is no Python is refused with its line."""
    if not text:
        return ""
    content = _content(text, "set hubExtraConfig to a Python file, or leave it empty")
    try:
        compile(content, text, "exec")
    except SyntaxError as error:
        raise ValueError(f"is not Python: {text}:{error.lineno}: {error.msg}") from None
    except ValueError as error:  # a null byte
        raise ValueError(f"is not Python: {error}") from None
    return content


def public_key(text: str) -> str:
    """The content of an OpenSSH public key file."""
    content = _content(text, "make a pair with `ssh-keygen -t ed25519`, or set sshPublicKeyFile").strip()
    if not re.match(r"(ssh-|ecdsa-|sk-)\S+ \S+", content):
        raise ValueError("is not an OpenSSH public key; it should start with ssh-ed25519 or ssh-rsa")
    return content


def private_key(text: str) -> str:
    """The absolute path of a private key file that opens without a passphrase."""
    content = _content(text, "set sshPrivateKeyFile to the key that belongs to sshPublicKeyFile")
    if "PRIVATE KEY-----" not in content:
        raise ValueError("is not a private key file (no PRIVATE KEY header); set it to the key that belongs to sshPublicKeyFile")
    if _has_passphrase(content):
        raise ValueError("is protected by a passphrase; use a key without one for this deployment")
    return str(Path(text).expanduser().resolve())


def _has_passphrase(key: str) -> bool:
    """Whether a private key is encrypted. The old PEM forms say so in plain; OpenSSH's own names its cipher first, or `none`
    (openssh-portable, PROTOCOL.key)."""
    body = "".join(line for line in key.splitlines() if "-----" not in line)
    try:
        opened = base64.b64decode(body)
    except ValueError:
        opened = b""
    magic = b"openssh-key-v1\0"
    return "ENCRYPTED" in key or (opened.startswith(magic) and not opened[len(magic) :].startswith(b"\0\0\0\4none"))


def certificates(text: str) -> str:
    """The PEM text of a certificate file (which may be empty), or the empty text."""
    if not text:
        return ""
    content = _content(text, "set it to a PEM file, or leave it empty")
    if content.strip() and "BEGIN CERTIFICATE" not in content:
        raise ValueError("holds no PEM certificate; convert it with `openssl x509 -in FILE -out FILE.pem`, or leave it empty")
    return content


def _content(path: str, remedy: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise ValueError(f"cannot be read ({reason}): {remedy}") from None
