#!/bin/bash
# Mounts an attached volume in its place for good: formats it if it is blank and never otherwise, grows it to its full size.
# Needs root; running it again is harmless, and unmounts nothing. Usage: prepare-volume.sh VOLUME_ID LABEL FOLDER GIB
set -euo pipefail

volume=$1 label=$2 folder=$3 gib=$4
devices=${DEVICES:-/dev/disk/by-id} patience=${PATIENCE:-90}
# shellcheck source=storage/fstab.sh
. "$(dirname "${BASH_SOURCE[0]}")/fstab.sh"

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
bytes() { blockdev --getsize64 "$device"; }
big_enough() { [ "$(bytes)" -ge $((gib * 1024 ** 3)) ]; }

wait_for() { # COMMAND: false where it was not so in time
  for _ in $(seq "$patience"); do
    if "$1"; then return; fi
    sleep 1
  done
  return 1
}
wait_for find_device ||
  fail "no disk with this id appeared within $patience s; see \`openstack volume show $volume\` and \`ls $devices\`"
# After an extension the hypervisor tells the kernel the new size a moment later.
wait_for big_enough ||
  fail "the disk has $(bytes) bytes, but $gib GiB are wanted; if the cloud shows $gib GiB, reboot this node"

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

# By the volume's serial number: a copy of the volume on this node has the same UUID. Without the disk the node still boots, and
# whenever the disk comes, it pulls its mount in. A mount may take long, since XFS may have to count all files.
unit=$(systemd-escape --path --suffix=device "$device")
options=defaults,pquota,nofail,x-systemd.mount-timeout=infinity
write_fstab "$folder" "$device $folder xfs $options,x-systemd.wanted-by=local-fs.target,x-systemd.wanted-by=$unit 0 0"

# Nothing is ever written under the mount, where it would be lost to sight. What was written there is put beside it. Some file
# systems cannot make a folder immutable.
seal() { # FOLDER, not mounted
  if [ -n "$(ls -A "$1")" ]; then
    local beside
    chattr -i "$1" 2>/dev/null || true
    beside=$(mktemp --directory "$1.found-under-the-mount.XXXX")
    find "$1" -mindepth 1 -maxdepth 1 -exec mv --target-directory="$beside" {} +
    echo "what was in $1 while its volume was not mounted is in $beside now" >&2
  fi
  chattr +i "$1" 2>/dev/null || true
}
export -f seal
mkdir -p "$folder"
if mountpoint --quiet "$folder"; then
  # Seen from beneath in a view of this command alone; for everybody else it stays mounted.
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount bash -euc 'while mountpoint --quiet "$1"; do umount --lazy "$1"; done; seal "$1"' seal "$folder"
else
  seal "$folder"
  mount "$folder" || mountpoint --quiet "$folder" # systemd was first, perhaps: the disk has just come
fi
mounted=$(mountpoint --fs-devno "$folder")
[ "$mounted" = "$(mountpoint --devno "$device")" ] ||
  fail "another disk ($(findmnt --noheadings --first-only --output SOURCE "$folder"), number $mounted) is mounted there, which may be a copy of it;" \
    "what is written there is lost to this volume. Detach that disk in the cloud, then reboot this node"
xfs_growfs "$folder" >/dev/null
findmnt --noheadings --output TARGET,SIZE,UUID "$folder"
