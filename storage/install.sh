#!/bin/bash
# Puts what lies beside it in place on a node: the packages, and with `homes` the services that serve them. Needs root;
# running it again is harmless. Usage: install.sh [homes]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Packages are asked for by what they bring, so that an image that has it all runs no apt at all.
missing=()
need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || missing+=("$2")
}
need mkfs.xfs xfsprogs
need python3 python3
if [ "${1:-}" = homes ]; then
  need exportfs nfs-kernel-server
  need restic restic
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -o DPkg::Lock::Timeout=900)
# An installation that was cut off leaves programs without their services, and apt takes no other package until it is ended.
# Broken packages that are nothing to this node's storage keep no homes from being served.
if [ -n "$(dpkg --audit)" ]; then
  dpkg --configure -a || true
  "${apt[@]}" install -y --no-install-recommends --fix-broken || true
fi
if [ ${#missing[@]} -gt 0 ]; then
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
fi
[ "${1:-}" = homes ] || exit 0

# What is not in effect yet, a line each: of an installation that was cut off, the next one knows.
changed=/etc/jupyterhub-storage/changed
install --directory "${changed%/*}"
put() { # FILE PATH
  cmp --quiet "$1" "$2" || { echo "$1" >>"$changed" && install -D --mode=0644 "$1" "$2"; }
}
# The portmapper serves older versions of NFS only, and would be one more open port.
systemctl mask --quiet --now rpcbind.socket rpcbind.service
install --directory /etc/exports.d
for unit in jupyterhub-*.{service,path,timer}; do put "$unit" "/etc/systemd/system/$unit"; done
put docker.conf /etc/systemd/system/docker.service.d/jupyterhub-homes.conf
put nfs-server.conf /etc/systemd/system/nfs-server.service.d/jupyterhub-homes.conf
put nfs.conf /etc/nfs.conf.d/jupyterhub-homes.conf
install --mode=0755 jupyterhub-storage /usr/local/sbin/jupyterhub-storage
[ -e "$changed" ] || exit 0
systemctl daemon-reload
systemctl try-restart jupyterhub-quotas.path jupyterhub-quotas.timer
# One that does not run reads its configuration when its volume is mounted, which may take long: nothing waits for that here.
case $(cat "$changed") in *nfs.conf*) systemctl try-restart nfs-server ;; esac
rm "$changed"
