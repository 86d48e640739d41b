#!/bin/bash
# Starts serving the mounted homes, by the sizes on standard input: {"default": bytes, "homes": {home: bytes}}. Needs root;
# running it again applies what has changed since, and restarts nothing.
set -euo pipefail
settings=/etc/jupyterhub-storage/quotas.json

install -d "${settings%/*}"
cat >"$settings.new"
sync "$settings.new"
mv "$settings.new" "$settings"
sync "${settings%/*}"

# The homes are served whatever the limits are: those that are there keep the limits that they have, a new one waits for its own.
# At a boot, jupyterhub-homes.service starts these when the volume is mounted, so that nothing waits for a volume that is away.
systemctl disable --quiet nfs-server jupyterhub-quotas.path jupyterhub-quotas.timer
systemctl enable --quiet jupyterhub-homes.service
systemctl start nfs-server jupyterhub-quotas.path jupyterhub-quotas.timer

limited=0
jupyterhub-storage quotas --limits-only || limited=$?
# Status 3: single homes have a fault, which `status` shows.
case $limited in
  0 | 3) ;;
  *)
    echo "The homes are served, but their limits could not be set, for the reason above: each home keeps the limit that it has," \
      "and new users wait. It is tried again every five minutes; \`make status\` tells how it went." >&2
    ;;
esac
