#!/bin/bash
# On the manager: wait until a worker is ready, then let it take tasks, once in its life: one that somebody has drained since
# stays so. Strike off nodes of the same name that are gone. Print its id.
# Usage: admit ID NAME OWNER new|known SECONDS
# LABEL=OWNER on the node says who admitted it last (see remove). `known` is a worker that was given to notebooks before: without
# the label it is as it was under an older version, or as its predecessor of the same name was.
set -euo pipefail
. swarm/common.sh
id=$1 name=$2 owner=$3 age=$4 seconds=$5 label=jupyterhub-swarm.activated

look() { docker node inspect "$id" --format "{{$1}}"; }
ready() { [ "$(look .Status.State)" = ready ]; }
# ID STATE AVAILABILITY of each other node with this name. Nodes go at any time.
namesakes() {
  local fields='{{.ID}} {{.Status.State}} {{.Spec.Availability}} {{.Description.Hostname}}'
  docker node ls --quiet | xargs docker node inspect --format "$fields" 2>/dev/null |
    awk -v id="$id" -v name="$name" '$1 != id && $4 == name { print $1, $2, $3 }' || true
}

if ! look .ID >/dev/null 2>&1; then
  echo "$name ($id) was struck off the swarm, and its machine is still there. Let the next 'pulumi up' make it anew:" >&2
  echo "pulumi up --replace '**::machines-$name'" >&2
  exit 1
fi
until_is "$seconds" ready || { echo "$name ($id) did not become ready within $seconds s, see: docker node ls" >&2; exit 1; }

others=$(namesakes)
availability=active
if [ "$(look "index .Spec.Labels \"$label\"")" != "" ]; then
  availability=
elif [ "$age" = known ] && ! [[ $others == *" active"* ]]; then
  availability=${others:+drain}
fi
docker node update ${availability:+--availability "$availability"} --label-add "$label=$owner" "$id" >/dev/null

gone() {
  local other state rest left=0
  while read -r other state rest; do
    if [ "$state" = ready ]; then left=1; else docker node rm --force "$other" >/dev/null || true; fi
  done < <(namesakes)
  return "$left"
}
until_is 90 gone || echo "Another node named $name is ready, and stays; see: docker node ls" >&2
look .ID
