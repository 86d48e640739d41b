#!/bin/bash
# Mounts the homes over NFS on the hub's node, as soon as their server answers and again whenever that is lost: neither Docker nor
# the hub waits for it. Needs root; running it again is harmless.
# Usage: hub-homes.sh install ADDRESS FOLDER MOUNT OPTIONS | keep | status | remove
set -euo pipefail

etc=${ETC:-/etc} pause=${PAUSE:-5} calm=${CALM:-15} # seconds between two looks, and while all is well
settings=$etc/jupyterhub-storage/hub-homes unit=hub-homes.service

read_settings() {
  # shellcheck source=/dev/null
  . "$settings"
  wanted=$ADDRESS:$FOLDER
}
# From the kernel's table, which answers whatever the server does; of several on top of each other, the uppermost.
mounted() { awk -v at="$MOUNT" '$5 == at { for (i = 7; $i != "-"; i++); source = $(i + 2) } END { print source }' /proc/self/mountinfo; }
look() { LC_ALL=C timeout 30 stat --format=%n "$MOUNT/hub" 2>&1; }
release() {
  while [ -n "$(mounted)" ]; do
    # Lazily, where the hub is just looking: it finds the empty folder at its next look.
    umount "$MOUNT" 2>/dev/null || umount --force --lazy "$MOUNT" || return
  done
}

install_it() { # ADDRESS FOLDER MOUNT OPTIONS
  local new unit_file placed=$etc/systemd/system/$unit
  unit_file=$(dirname "${BASH_SOURCE[0]}")/$unit
  MOUNT=$3
  install -d "${settings%/*}" "${MOUNT%/*}"
  if [ ! -d "$MOUNT" ]; then
    mkdir "$MOUNT"
    # Nothing is ever written under the mount, where it would be lost to sight. Some file systems cannot tell.
    chattr +i "$MOUNT" 2>/dev/null || true
  fi
  new=$(printf 'ADDRESS=%q\nFOLDER=%q\nMOUNT=%q\nOPTIONS=%q\nPROGRAM=%s' "$@" "$(sha256sum <"${BASH_SOURCE[0]}" | cut -c 1-12)")
  if [ "$new" != "$(cat "$settings" 2>/dev/null)" ] || ! cmp --quiet "$unit_file" "$placed"; then
    # The settings come last: where this is cut off, the next run does it all.
    rm -f "$settings"
    install -D --mode=0644 "$unit_file" "$placed"
    systemctl daemon-reload
    systemctl stop "$unit"
    echo "$new" >"$settings.new"
    sync "$settings.new"
    mv "$settings.new" "$settings"
  fi
  systemctl enable --quiet --now "$unit"
  read_settings
  # A hub that is new waits for the storage. Where it stays away, the hub has reasons of its own not to.
  for _ in $(seq "${PATIENCE:-60}"); do
    if [ "$(mounted)" = "$wanted" ]; then break; fi
    sleep 1
  done
  echo "${MOUNT%/*}"
}

keep() {
  local said="" last=""
  trap 'release; exit 0' TERM INT
  while true; do
    # A volume that was replaced behind the same address is never found again by the mount that there is.
    case $(mounted) in
      "$wanted") case $(look) in *"Stale file handle"*) release ;; esac ;;
      ?*) release ;;
    esac
    if [ -z "$(mounted)" ]; then
      said=$(timeout 60 mount -t nfs -o "$OPTIONS,retry=0" "$wanted" "$MOUNT" 2>&1) && said="$wanted is mounted on $MOUNT"
      if [ "$said" != "$last" ]; then echo "$said"; fi
      last=$said
    fi
    # Ended together with this, its end must not be taken for a fault.
    if [ -z "$(mounted)" ]; then sleep "$pause" || true; else sleep "$calm" || true; fi
  done
}

status() {
  local consequence="the hub runs, servers that run wait, none can be started"
  if [ ! -r "$settings" ]; then
    echo "! not set up on this node; run pulumi up"
    return 1
  fi
  read_settings
  if [ "$(mounted)" != "$wanted" ]; then
    echo "! $ADDRESS does not serve them: $consequence; see journalctl -u $unit"
    return 1
  fi
  if [ "$(look)" != "$MOUNT/hub" ]; then
    echo "! $ADDRESS does not answer: $consequence"
    return 1
  fi
  echo "served by $ADDRESS"
}

remove() {
  if [ ! -r "$settings" ]; then return; fi
  read_settings
  systemctl disable --quiet --now "$unit"
  release
  rm -f "$settings" "$etc/systemd/system/$unit"
  systemctl daemon-reload
  chattr -i "$MOUNT" 2>/dev/null || true
  rmdir --ignore-fail-on-non-empty "$MOUNT"
}

case $1 in
  install) install_it "${@:2}" ;;
  keep)
    read_settings
    keep
    ;;
  status) status ;;
  remove) remove ;;
esac
