#!/bin/bash
# Mounts an attached volume in its place for good: formats it if it is blank and never otherwise, grows it to its full size.
# Needs root; running it again is harmless. Usage: prepare-volume.sh VOLUME_ID LABEL FOLDER GIB
set -euo pipefail

volume=$1 label=$2 folder=$3 gib=$4
devices=${DEVICES:-/dev/disk/by-id} fstab=${FSTAB:-/etc/fstab} patience=${PATIENCE:-90}

fail() { # LINE...
  printf 'volume %s for %s: ' "$volume" "$folder" >&2
  printf '%s\n' "$@" >&2
  exit 1
}

# Kernel names (/dev/vdb) change from boot to boot; the serial number is the volume's id, of which virtio keeps 20 characters.
device=
find_device() {
  local entry
  for entry in "$devices"/*"${volume:0:20}"*; do
    if [ -e "$entry" ] && [[ $entry != *-part* ]]; then device=$entry; return; fi
  done
  return 1
}
big_enough() { [ "$(blockdev --getsize64 "$device")" -ge $((gib * 1024 ** 3)) ]; }

wait_for() { # COMMAND REASON
  for _ in $(seq "$patience"); do
    if "$1"; then return; fi
    sleep 1
  done
  fail "$2"
}
wait_for find_device "no disk with this id appeared within $patience s; see \`openstack volume show $volume\` and \`ls $devices\`"
# After an extension the hypervisor tells the kernel the new size a moment later.
wait_for big_enough "the disk has $(blockdev --getsize64 "$device") bytes, but $gib GiB are wanted; if the cloud shows $gib GiB, reboot this node"

tag() { blkid --probe --match-tag "$1" --output value "$device" || true; }
blank() {
  [ -z "$(tag TYPE)$(tag PTTYPE)" ] && [ -z "$(wipefs --noheadings "$device")" ] &&
    cmp --quiet --bytes=1048576 "$device" /dev/zero
}
# The label that says "being formatted" is replaced when all is done: such a disk has never held a file.
if blank || { [ "$(tag TYPE)" = xfs ] && [ "$(tag LABEL)" = jh-new ]; }; then
  mkfs.xfs -q -f -L jh-new "$device"
  xfs_admin -L "$label" "$device" >/dev/null
fi
if [ "$(tag TYPE)" != xfs ] || [ "$(tag LABEL)" != "$label" ]; then
  fail "it is not blank and not this deployment's (type '$(tag TYPE)', label '$(tag LABEL)'; an XFS labelled '$label' is expected)." \
    "Nothing was changed: a disk that holds anything is never formatted." \
    "To use an XFS file system that is on it:  sudo xfs_admin -L $label $device" \
    "To throw away what is on it:              sudo wipefs --all $device && sudo dd if=/dev/zero of=$device bs=1M count=1"
fi

# Two volumes of one node are prepared side by side, and both change this file.
exec 9<"${fstab%/*}"
flock 9
# By UUID, so that a reboot finds it under whatever kernel name; without the disk the node still boots and can be reached.
line="UUID=$(tag UUID) $folder xfs defaults,pquota,nofail,x-systemd.device-timeout=90 0 0"
if ! grep --quiet --line-regexp --fixed-strings "$line" "$fstab"; then
  { awk -v folder="$folder" '$2 != folder' "$fstab"; echo "$line"; } >"$fstab.new"
  mv "$fstab.new" "$fstab"
  systemctl daemon-reload
fi
mkdir -p "$folder"
mountpoint --quiet "$folder" || mount "$folder"
mounted=$(findmnt --noheadings --output UUID "$folder")
[ "$mounted" = "$(tag UUID)" ] || fail "another file system (UUID $mounted) is mounted there; unmount it, or reboot this node"
xfs_growfs "$folder" >/dev/null
findmnt --noheadings --output TARGET,SIZE,UUID "$folder"
