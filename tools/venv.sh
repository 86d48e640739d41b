#!/usr/bin/env bash
# The virtual environment of the program and its tests. Usage: tools/venv.sh PYTHON FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$1 folder=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "venv: $("$python" --version) is too old; Python 3.11 or newer is needed (make PYTHON=python3.12 …)" >&2; exit 1; }
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  [ "$(id -u)" = 0 ] || { echo "venv: install the package python3-venv" >&2; exit 1; }
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq python3-venv >/dev/null
fi
# One at a time: `make toolchain` and `make test` may run side by side.
mkdir -p .build
exec 9>.build/venv.lock
flock 9
[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
touch "$folder/.installed"
