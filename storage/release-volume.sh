#!/bin/bash
# Unmounts a volume that goes to another node, and ends what serves it. Needs root; running it again is harmless.
# Usage: release-volume.sh FOLDER
set -euo pipefail

folder=$1 fstab=${FSTAB:-/etc/fstab}

if mountpoint --quiet "$folder"; then
  if [ "$folder" = /srv/homes ]; then
    systemctl disable --quiet --now jupyterhub-quotas.path jupyterhub-quotas.timer jupyterhub-backup.timer nfs-server
  fi
  umount "$folder" || {
    echo "$folder is in use, so its volume cannot go to another node; stop what uses it:" >&2
    fuser --verbose --mount "$folder" >&2 || true
    exit 1
  }
fi
exec 9<"${fstab%/*}"
flock 9
awk -v folder="$folder" '$2 != folder' "$fstab" >"$fstab.new"
mv "$fstab.new" "$fstab"
systemctl daemon-reload
