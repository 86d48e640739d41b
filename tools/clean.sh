#!/usr/bin/env bash
# `make clean`: remove what was built or downloaded. The lab must be down.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -d .build/lab/state ]; then
  echo "clean: the lab is up (or was not taken down); run \`make down\` first" >&2
  exit 1
fi
rm -rf .build .venv
