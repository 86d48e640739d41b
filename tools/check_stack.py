"""`make check-stack STACK=name`: the whole graph of a stack against mocks, as a table. It needs no cloud and no credentials."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from components import schema
from components.settings import SettingsError
from images.proxy.door.authority import Authority
from tools.graph import PROJECT, ROOT, Registered, render, stack_config

# Files that a stack's settings name, and what stands in for them on a computer that does not have them.
EXAMPLES = {
    "sshPublicKeyFile": ("id.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample check-stack\n"),
    "sshPrivateKeyFile": ("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nonly checked, never used\n"),
    "buildCaFile": ("ca.pem", ""),
    "acmeCaFile": ("acme-ca.pem", ""),
}


def main() -> int:
    """Print the table and return 0, or the settings' faults and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", help="the stack's name, as in Pulumi.<name>.yaml")
    stack_name = parser.parse_args().stack
    path = ROOT / f"Pulumi.{stack_name}.yaml"
    if not path.is_file():
        print(f"{path.name} does not exist; the stacks here: {', '.join(_stacks())}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            graph = render(with_examples(stack_config(path), Path(folder)), stack_name)
        except SettingsError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 1
    print(table(graph))
    return 0


def with_examples(config: dict[str, str], folder: Path) -> dict[str, str]:
    """The config with examples in place of the files and secrets that this computer does not have: a check must not need them."""
    result, keys = dict(config), schema.load()
    for key, (name, text) in EXAMPLES.items():
        given = result.get(f"{PROJECT}:{key}", keys[key].default)
        if given and not Path(given).expanduser().is_file():
            (folder / name).write_text(text)
            result[f"{PROJECT}:{key}"] = str(folder / name)
    # Secrets are masked here.
    if result.get(f"{PROJECT}:https") == "provided":
        site = result.get(f"{PROJECT}:domain") or "localhost"
        pair = Authority(site, folder).issue()
        chain = pair.chain + (folder / Authority.name / site / "ca.pem").read_text()
        result |= {f"{PROJECT}:certificate": chain, f"{PROJECT}:certificateKey": pair.key}
    account = {f"{PROJECT}:acmeEabKeyId": "example", f"{PROJECT}:acmeEabHmacKey": "A" * 43}
    return result | {name: text for name, text in account.items() if name in result}


def table(graph: list[Registered]) -> str:
    """One row a resource: kind, name, parent, what it waits for, and how it is guarded."""
    rows = [("TYPE", "NAME", "PARENT", "WAITS FOR", "GUARDS")]
    rows += [(entry.type, entry.name, entry.parent, ", ".join(entry.depends_on), _guards(entry)) for entry in graph]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)) + f"  {row[3]}  {row[4]}".rstrip()
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + f"\n\n{len(graph)} resources"


def _guards(entry: Registered) -> str:
    marks = [f"ignores {', '.join(entry.ignore_changes)}"] if entry.ignore_changes else []
    marks += ["protected"] if entry.protect else []
    marks += ["kept on destroy"] if entry.retain else []
    return f"[{'; '.join(marks)}]" if marks else ""


def _stacks() -> list[str]:
    return sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))


if __name__ == "__main__":
    sys.exit(main())
