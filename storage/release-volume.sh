#!/bin/bash
# Unmounts a volume that goes to another node, and ends what serves it. Where it cannot be unmounted, all is as it was before.
# Needs root; running it again is harmless, and goes on where an earlier run ended. Usage: release-volume.sh FOLDER
set -euo pipefail

folder=$1
# shellcheck source=storage/fstab.sh
. "$(dirname "${BASH_SOURCE[0]}")/fstab.sh"

units=()
if [ "$folder" = /srv/homes ]; then
  units=(jupyterhub-homes.service jupyterhub-quotas.{path,timer,service} jupyterhub-backup.{timer,service} nfs-server.service)
fi
running=()
for unit in "${units[@]}"; do
  case $(systemctl show --value --property=ActiveState "$unit") in active | activating | reloading) running+=("$unit") ;; esac
done

# Nothing is disabled before the volume is unmounted, so that a reboot in between serves it again.
serve_again() {
  if [ ${#running[@]} -gt 0 ]; then systemctl --no-block start "${running[@]}"; fi
}
users() { # what has a file or folder of it open, a line each
  local pid
  for pid in $(find /proc/[0-9]*/{cwd,root,exe,fd} -maxdepth 1 \( -lname "$folder" -o -lname "$folder/*" \) 2>/dev/null |
    cut -d/ -f3 | sort -un); do
    echo "  process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
  done
}
if mountpoint --quiet "$folder"; then
  trap serve_again EXIT
  if [ ${#running[@]} -gt 0 ]; then systemctl stop "${running[@]}"; fi
  umount "$folder" || {
    echo "$folder is in use, so its volume cannot go to another node; it is served here as before. Stop what uses it and run" \
      "pulumi up again, which goes on from here, or take the setting back. It is used by:" >&2
    users >&2
    exit 1
  }
  trap - EXIT
fi
write_fstab "$folder"
for unit in "${units[@]}"; do
  if systemctl is-enabled --quiet "$unit" 2>/dev/null; then systemctl disable --quiet --now "$unit"; fi
done
