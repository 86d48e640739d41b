#!/usr/bin/env bash
# Turn a tree of Debian packages into a guest of the lab. Called by mmdebstrap as a hook, on the machine, not in the tree.
#   customize.sh early TREE            before the packages are installed
#   customize.sh late TREE CA_FILE     after them; CA_FILE holds PEM certificates to trust, and may be empty
set -euo pipefail

stage=$1 tree=$2
files=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/files

early() {
  # Before the kernel package builds its initrd.
  mkdir -p "$tree/etc/initramfs-tools"
  cp -rT "$files/etc/initramfs-tools" "$tree/etc/initramfs-tools"
}

units() {
  local -a off=(
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    getty@tty1.service
    # dockerd loads the one profile that containers use by itself; the other hundred would be compiled at boot.
    apparmor.service
  )
  local -a on_demand=(nfs-server.service nfs-client.target nfs-blkmap.service rpcbind.service rpcbind.socket)
  chroot "$tree" systemctl --quiet mask "${off[@]}"
  chroot "$tree" systemctl --quiet disable "${on_demand[@]}"
  chroot "$tree" systemctl --quiet enable systemd-networkd.service systemd-resolved.service docker.service ssh.service
}

trust() { # CA_FILE: one certificate a file is what update-ca-certificates wants
  [ -s "$1" ] || return 0
  awk -v folder="$tree/usr/local/share/ca-certificates" \
    '/-----BEGIN CERTIFICATE-----/ {n++} n {print > sprintf("%s/lab-%02d.crt", folder, n)}' "$1"
  chroot "$tree" update-ca-certificates
}

late() {
  cp -rT "$files" "$tree"
  units
  trust "$1"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
  # Made anew by every guest.
  : >"$tree/etc/machine-id"
  rm -f "$tree"/etc/ssh/ssh_host_* "$tree"/etc/hostname
  # For the build only; later installations shall behave like anywhere else.
  sed -i '/APT::Install-Recommends/d' "$tree"/etc/apt/apt.conf.d/99mmdebstrap
  rm -rf "$tree"/var/log/* "$tree"/var/cache/*
}

shift 2
"$stage" "$@"
