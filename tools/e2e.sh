#!/usr/bin/env bash
# `make e2e [SUITE=core]`: brings the lab up, then runs the suites. Usage: tools/e2e.sh [SUITE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v chromium >/dev/null; then
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
make --no-print-directory up
# shellcheck source=/dev/null
. .build/env
exec .venv/bin/python -m tests.e2e.run "$@"
