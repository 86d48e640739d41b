#!/bin/bash
# Offer the node's NVIDIA GPUs to Swarm as generic resources, and let containers see those that they were given. Runs once, at
# the first boot of a flavor with GPUs; running it again is harmless.
# Usage: prepare-gpu [FOLDER]   (FOLDER is /etc, but in tests)
# https://docs.docker.com/reference/cli/dockerd/#node-generic-resources
set -euo pipefail

etc=${1:-/etc}
daemon=$etc/docker/daemon.json toolkit=$etc/nvidia-container-runtime/config.toml

for program in nvidia-smi nvidia-container-runtime; do
  if ! command -v "$program" >/dev/null; then
    echo "prepare-gpu: the image has no $program: this node offers no GPU" >&2
    exit 0
  fi
done

found=$(nvidia-smi --query-gpu=uuid --format=csv,noheader)
python3 - "$daemon" "$found" <<'PYTHON'
import json, pathlib, sys

file = pathlib.Path(sys.argv[1])
settings = json.loads(file.read_text()) | {
    "node-generic-resources": [f"NVIDIA-GPU={gpu.strip()}" for gpu in sys.argv[2].splitlines()],
    "default-runtime": "nvidia",
    "runtimes": {"nvidia": {"path": "nvidia-container-runtime", "runtimeArgs": []}},
}
file.write_text(json.dumps(settings, indent=2) + "\n")
PYTHON
# Swarm names the GPUs of a task in this variable; without the line the runtime would not look at it.
mkdir -p "${toolkit%/*}"
touch "$toolkit"
rest=$(sed '/^#\? *swarm-resource *=/d' "$toolkit")
printf 'swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"\n%s' "${rest:+$rest$'\n'}" >"$toolkit"
systemctl restart docker
