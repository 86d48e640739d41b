#!/usr/bin/env bash
# Turn a tree of Debian packages into a guest of the lab. Called by mmdebstrap as a hook, on the machine, not in the tree.
# Usage: customize.sh TREE CA_FILE     CA_FILE holds PEM certificates to trust, and may be empty
set -euo pipefail

tree=$1 ca_file=$2
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

units() {
  local -a off=(
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    getty@tty1.service
    # Kernel interfaces that nothing here looks at, each mounted or loaded by a program of its own.
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-pstore.service
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
    dev-hugepages.mount modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service
    # dockerd loads the one profile that containers use by itself; the other hundred would be compiled at boot.
    apparmor.service
  )
  local -a on_demand=(nfs-server.service nfs-client.target nfs-blkmap.service rpcbind.service rpcbind.socket)
  chroot "$tree" systemctl --quiet mask "${off[@]}"
  chroot "$tree" systemctl --quiet disable "${on_demand[@]}"
  chroot "$tree" systemctl --quiet enable systemd-networkd.service systemd-resolved.service \
    containerd.service docker.service ssh.service
}

trust() { # CA_FILE: one certificate a file is what update-ca-certificates wants
  [ -s "$1" ] || return 0
  awk -v folder="$tree/usr/local/share/ca-certificates" \
    '/-----BEGIN CERTIFICATE-----/ {n++} n {print > sprintf("%s/lab-%02d.crt", folder, n)}' "$1"
  chroot "$tree" update-ca-certificates
}

initrd() {
  local module build=$tree/tmp/initrd
  module=$(find "$tree/usr/lib/modules" -name 'virtio_blk.ko.xz')
  mkdir -p "$build"/{dev,proc,root}
  xz --decompress --stdout "$module" >"$build/virtio_blk.ko"
  cp "$tree/bin/busybox" "$build/busybox"
  install -m 755 "$here/initrd-init" "$build/init"
  chroot "$tree" sh -c 'cd /tmp/initrd && find . | cpio --quiet -o -H newc -R 0:0 >/boot/initrd'
  rm -rf "$build" "$tree"/boot/initrd.img-*
}

cp -rT "$here/files" "$tree"
units
trust "$ca_file"
initrd
ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
# Made anew by every guest.
: >"$tree/etc/machine-id"
rm -f "$tree"/etc/ssh/ssh_host_* "$tree/etc/hostname"
# For the build only; later installations shall behave like anywhere else.
sed -i '/APT::Install-Recommends/d' "$tree/etc/apt/apt.conf.d/99mmdebstrap"
rm -rf "$tree"/var/log/*
# Tells systemd that /etc and /var are up to date with /usr: no ldconfig, no sysusers at first boot.
touch "$tree/etc/.updated" "$tree/var/.updated"
