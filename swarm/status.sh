#!/bin/bash
# On the manager: tell how the swarm is, in one line. Fails where it is not well.
# Usage: status DAYS NAME...   (certificates that end within DAYS are not well; the names of the nodes that there should be)
set -euo pipefail
. swarm/common.sh
days=$1
shift

state=$(swarm LocalNodeState)
if [ "$state" != active ]; then
  echo "! $state: $(swarm Error). What to do: docs/operations.md, After a long pause"
  exit 1
fi
ill=() states=$(docker node ls --format '{{.Hostname}} {{.Status}}')
for name in "$@"; do
  grep -q "^$name " <<<"$states" || ill+=("$name is not in the swarm")
done
while read -r name status; do
  [ "$status" = Ready ] || ill+=("$name is ${status,,} (there: systemctl status docker)")
done <<<"$states"
rotating && ill+=("certificates are being renewed, which waits for nodes that are not ready (docker node ls)")
ends=$(date --date "$(certificate -enddate | cut -d = -f 2)" +%F)
lasts "$days" || ill+=("certificates end on $ends, and a deployment that is off then does not come back by itself: pulumi up --replace '**::workers-certificates'")
if [ ${#ill[@]} -gt 0 ]; then
  told=$(printf '; %s' "${ill[@]}")
  echo "! ${told:2}"
  exit 1
fi
echo "$(wc -l <<<"$states") nodes ready, certificates end on $ends"
