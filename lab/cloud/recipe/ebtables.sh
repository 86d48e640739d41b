#!/bin/bash
# Stands before Debian 12's ebtables (1.8.9), which deletes a rule with --among-src by its number alone: by its text it says "Invalid
# argument". Neutron's agent deletes one where a machine's interface went and came back between two of its looks, as at a hard
# reset; it tried again for ever then, and no new machine got a network.
set -euo pipefail
real=${EBTABLES:-/usr/sbin/ebtables}

case " $* " in
  *" -D "*" --among-src "*) ;;
  *) exec "$real" "$@" ;;
esac
options=()
while [ "$1" != -D ]; do
  options+=("$1")
  shift
done
chain=$2
shift 2
number=$("$real" "${options[@]}" -L "$chain" --Ln | awk -v rule="$*" '
  { number = $1 + 0; sub(/ *$/, ""); sub(/^[0-9]+\.? /, "") }
  $0 == rule && !found { found = number }
  END { if (found) print found }')
[ -z "$number" ] || exec "$real" "${options[@]}" -D "$chain" "$number" # else it is gone already
