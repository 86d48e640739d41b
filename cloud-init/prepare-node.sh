#!/bin/bash
# What a node needs before it can join the swarm. Runs once, at first boot, from cloud-init; running it again is harmless.
# Usage: prepare-node USER   (USER is the image's default user, who gets the docker group)
set -euo pipefail

user=$1

# Packages are asked for by what they bring, so that an image that has it all runs no apt at all.
missing=()
need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || missing+=("$2")
}
need dockerd docker.io
need apparmor_parser apparmor # without it every container fails on images that enable AppArmor
need mount.nfs nfs-common
need mkfs.xfs xfsprogs
need curl curl
need openssl openssl # when the certificates of the swarm end

if [ ${#missing[@]} -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  # On a featured image the first boot's own upgrade may hold the lock for minutes.
  apt-get -o DPkg::Lock::Timeout=900 update
  apt-get -o DPkg::Lock::Timeout=900 install -y --no-install-recommends "${missing[@]}"
fi

systemctl enable --now docker
# A daemon upgrade ends every container of a swarm node (no live-restore in swarm mode): upgrades are done node by node, by hand.
for package in docker.io docker-ce containerd containerd.io; do
  if dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then apt-mark hold "$package" >/dev/null; fi
done
usermod -aG docker "$user"
