# shellcheck shell=bash
# How the scripts beside this change /etc/fstab. To be sourced.
fstab=${FSTAB:-/etc/fstab}

write_fstab() { # FOLDER [LINE]: the folder's line becomes this one, or goes
  local folder=$1 line=${2:-}
  (
    # Two volumes of one node are prepared side by side, and both change this file.
    exec 9<"${fstab%/*}"
    flock 9
    if [ -n "$line" ] && grep --quiet --line-regexp --fixed-strings "$line" "$fstab"; then exit; fi
    awk -v folder="$folder" '$2 != folder' "$fstab" >"$fstab.new"
    if [ -n "$line" ]; then printf '%s\n' "$line" >>"$fstab.new"; fi
    # A power cut leaves the old file or the new one, never an empty one.
    sync "$fstab.new"
    mv "$fstab.new" "$fstab"
    sync "${fstab%/*}"
  )
  # Also where the line was there: what wrote it may have been cut off here.
  systemctl daemon-reload
}
