"""A checkout to run toolchain/install.sh in, with fakes of the Go compiler and of Pulumi's engine."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.test_toolchain import pinned

ROOT = Path(__file__).parents[2]
VERSION = pinned("pulumi")
PATIENCE_S = 120  # for what takes a second on a quiet machine
# Says its version; "plugin install resource NAME VERSION" leaves a file as a download would.
ENGINE = """#!/bin/sh
case $1 in
  version) echo v{version} ;;
  plugin) cd "$PULUMI_HOME/plugins" && mkdir "resource-$4-v$5" && echo vendor >"resource-$4-v$5/pulumi-resource-$4" ;;
esac
"""
# Notes each build in a file beside it; takes as long as FAKE_GO_SECONDS says.
GO = """#!/bin/bash
case " $* " in
  *" version "*) echo "go version go{version} linux/amd64" ;;
  *" env GOTOOLCHAIN "*) echo local ;;
  *" list -deps "*) echo a; echo b ;;
  *" mod download "*) ;;
  *" list -m "*) echo "${{0%/*}}/module" ;;
  *" build "*)
    while [ $# -gt 0 ]; do [ "$1" != -o ] || out=$2; shift; done
    echo "${{out##*/}}" >>"${{0%/*}}/builds"
    echo $$ >"${{0%/*}}/pid"
    sleep "${{FAKE_GO_SECONDS:-0}}"
    printf '#!/bin/sh\\necho v{engine}\\n' >"$out"; chmod 755 "$out" ;;
esac
"""


class Checkout:
    """A copy of what install.sh needs, with fakes first on PATH and no site of the vendor's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fakes = folder / "fakes"
        self.build = folder / ".build" / "toolchain"
        self.fakes.mkdir()
        shutil.copytree(ROOT / "toolchain", folder / "toolchain")
        shutil.copy(ROOT / "requirements.txt", folder)
        self.env = {
            "PATH": f"{self.fakes}:/usr/bin:/bin",
            "HOME": str(folder),
            "LAB_GO_ROOT": str(folder / "no-go"),
            "LAB_PULUMI_SITE": "http://127.0.0.1:9",
            # Where there is no Go, no package of it can be had either.
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_RETRIES": "0",
        }

    def fake(self, name: str, text: str) -> None:
        """An executable first on PATH."""
        self._executable(self.fakes / name, text)

    def fake_go(self, version: str = "99.0.0") -> None:
        """A Go of that version, and one module that is the SDK's, with the launcher, and the docker provider's."""
        self.fake("go", GO.format(version=version, engine=VERSION))
        module = self.fakes / "module"
        self._executable(module / "python" / "cmd" / "pulumi-language-python-exec", "#!/bin/sh\n")
        for name in (ROOT / "toolchain" / "plugins" / "docker" / "source" / "files").read_text().split():
            self._executable(module / "internal" / "provider" / name, "")
        (module / "go.mod").touch()

    def fake_pulumi(self, version: str) -> None:
        """A Pulumi of that version with its language host."""
        self.fake("pulumi", ENGINE.format(version=version))
        self.fake("pulumi-language-python", "#!/bin/sh\n")

    def slow_down(self, line: str) -> None:
        """Have the shell rest for a second before this line of its helpers."""
        helpers = self.folder / "toolchain" / "lib.sh"
        text = helpers.read_text()
        assert text.count(line) == 1
        helpers.write_text(text.replace(line, f"sleep 1; {line}"))

    def start(self, **env: str) -> subprocess.Popen[str]:
        """install.sh, running. Ctrl-C reaches it, also where the tests run in the background, whose processes ignore it."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", self.folder / "toolchain" / "install.sh"],
            env=self.env | env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, **env: str) -> str:
        """install.sh to its good end; what it said."""
        process = self.start(**env)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
        return said

    def fail(self, **env: str) -> str:
        """install.sh to its bad end; what it said."""
        process = self.start(**env)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1, said
        return said

    @property
    def builds(self) -> list[str]:
        """What was compiled, in order."""
        log = self.fakes / "builds"
        return log.read_text().split() if log.exists() else []

    def plugin(self, name: str) -> Path:
        """The plugin's executable, where the engine looks."""
        folder = self.folder / ".build" / "pulumi-home" / "plugins" / f"resource-{name}-v{pinned(f'pulumi-{name}')}"
        return folder / f"pulumi-resource-{name}"

    @staticmethod
    def _executable(file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)


def wait_for(file: Path) -> int:
    """The process id that somebody writes into a file."""
    for _ in range(PATIENCE_S * 10):
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.1)
    pytest.fail(f"{file} was not written within {PATIENCE_S} s")
