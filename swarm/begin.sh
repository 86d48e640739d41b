#!/bin/bash
# On the manager: make it one, unless it is, with overlay networks of a /22 each; print the swarm's id.
# Usage: begin ADDRESS POOL HEARTBEAT LIFETIME   (the last two are durations, such as 20s and 87600h)
set -euo pipefail
. swarm/common.sh
address=$1 pool=$2 heartbeat=$3 lifetime=$4

init() {
  docker swarm init --advertise-addr "$address" --default-addr-pool "$pool" --default-addr-pool-mask-length 22 "$@" >/dev/null
}
answers() { docker version >/dev/null 2>&1; }
fail() {
  echo "$1" >&2
  exit 1
}

until_is 60 settled || true
if [ "$(swarm LocalNodeState)" = error ]; then
  if lasts 0; then
    fail "Docker cannot take the swarm up, and nothing was changed; see 'journalctl -u docker' on this node: $(swarm Error)"
  fi
  # Only `init --force-new-cluster` takes a certificate that has ended, and renews it; but it refuses a node in this state.
  # Without this file Docker takes the node for one of no swarm. All that the swarm holds stays in the folders beside it.
  sudo mv "$(swarm_folder)/docker-state.json" "$(swarm_folder)/docker-state.json.ended"
  sudo systemctl restart docker
  until_is 120 answers || fail "Docker does not answer after its restart, see: journalctl -u docker"
fi
if [ "$(swarm LocalNodeState)" = inactive ]; then
  if sudo test -e "$(swarm_folder)/raft"; then # without --force-new-cluster, Docker would delete it
    init --force-new-cluster
    until_is 180 lasts 0 || fail "The manager's certificate has ended and was not renewed, see: journalctl -u docker"
  else
    init --cert-expiry "$lifetime"
    rotate "$lifetime" # the lifetime counts from the next certificate on
    until_is 180 not_rotating || fail "The swarm's certificates were not renewed within 180 s, see: journalctl -u docker"
  fi
fi
docker swarm update --dispatcher-heartbeat "$heartbeat" >/dev/null
swarm Cluster.ID
