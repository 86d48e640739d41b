#!/bin/bash
# On a worker: join the swarm by the request on standard input (a body of Docker's /swarm/join), unless this node is in that very
# swarm. Print the node's id there.
# Usage: join SWARM_ID SECONDS   (to wait at most for a join that takes longer than Docker waits)
# No node of another swarm stays in it, and none whose certificate has ended.
set -euo pipefail
. swarm/common.sh
swarm_id=$1 seconds=$2 request=$(cat) socket=${DOCKER_HOST:-unix:///run/docker.sock}

is_member() { [ "$(swarm LocalNodeState)" = active ] && certificate -subject | tr , '\n' | grep -qx "O=$swarm_id"; }

until_is 60 settled || true
if ! is_member; then
  [ "$(swarm LocalNodeState)" = inactive ] || docker swarm leave --force >/dev/null
  # Docker answers with an error after 20 s and goes on joining.
  answer=$(printf %s "$request" | curl --silent --show-error --fail-with-body --unix-socket "${socket#unix://}" \
    --header 'Content-Type: application/json' --data @- http://docker/swarm/join 2>&1) || true
  until_is "$seconds" settled || true
  if ! is_member; then
    echo "This node has not joined the swarm within $seconds s (state: $(swarm LocalNodeState)). $answer $(swarm Error)" >&2
    exit 1
  fi
fi
swarm NodeID
