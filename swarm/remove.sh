#!/bin/bash
# On the manager: drain a worker, wait until nothing runs on it any more, and strike it off the swarm.
# Usage: remove ID NAME OWNER SECONDS   (a worker that another OWNER has admitted since stays, see admit)
set -euo pipefail
. swarm/common.sh
id=$1 name=$2 owner=$3 seconds=$4 label=jupyterhub-swarm.activated

look() { docker node inspect "$id" --format "{{$1}}"; }
# What runs by the worker's own word, not by what the swarm wants of it: that ends with the drain at once. A worker that is away
# says nothing any more.
running() {
  [ "$(look .Status.State)" = ready ] || return 0
  docker node ps "$id" --format '{{.Name}} {{.CurrentState}}' | awk '$2 == "Running" || $2 == "Starting" { print $1 }'
}
empty() {
  local found
  found=$(running) && [ -z "$found" ]
}

look .ID >/dev/null 2>&1 || exit 0
admitted=$(look "index .Spec.Labels \"$label\"")
case $admitted in "" | yes | "$owner") ;; *) exit 0 ;; esac
# If this is interrupted, the node is to be admitted again.
[ -z "$admitted" ] || docker node update --label-rm "$label" "$id" >/dev/null
docker node update --availability drain "$id" >/dev/null
if ! until_is "$seconds" empty; then
  echo "$name still runs after $seconds s: $(running | tr '\n' ' ')" >&2
  echo "Its machine stays, since what these have not written yet would be lost. Does the storage answer ('make status')?" >&2
  echo "'pulumi up' waits once more; 'docker node rm --force $id' on the manager, and then 'pulumi up', gives them up." >&2
  exit 1
fi
docker node rm --force "$id" >/dev/null
