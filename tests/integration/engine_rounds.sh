#!/usr/bin/env bash
# Run lab/engine.sh on a machine of its own, made of namespaces: no network but a loopback device, no Docker, no rule but one.
# Usage: unshare --net --mount --pid --fork engine_rounds.sh CHECKOUT WORK     prints what each step said, then the differences
# between the machine before `start` and after `stop`.
set -euo pipefail
checkout=$1 work=$2

own_machine() {
  mount --make-rprivate /
  mkdir -p "$work/cgroup" "$work/docker"
  mount --rbind /sys/fs/cgroup "$work/cgroup"
  awk '$2 ~ "^(/var)?/run/docker/|^/var/lib/docker/" {print $2}' /proc/self/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount --rbind "$work/cgroup" /sys/fs/cgroup
  mount -t tmpfs tmpfs /run
  mkdir -p /var/lib/docker
  mount --bind "$work/docker" /var/lib/docker
  ip link set lo up
  iptables --append INPUT --protocol tcp --dport 4444 --jump ACCEPT
}

facts() {
  ip -brief link | awk '{print "link", $1}'
  ip route | sed 's/^/route /'
  sed 's/^/mount /' /proc/self/mounts
  { iptables-save; ip6tables-save; } | grep -v '^#' | sed 's/ \[.*//; s/^/rule /'
  sysctl net.ipv4.ip_forward
  find /run -mindepth 1 -maxdepth 1
  # The name of each process but those of this very line; what ended already waits for its parent only.
  ps -eo stat=,comm= | awk '$1 !~ /^Z/ && $2 !~ /^(ps|awk|bash)$/ {print "process", $2}' | sort
}

own_machine
cd "$checkout"
facts >"$work/before"
lab/engine.sh start
lab/engine.sh status
lab/engine.sh start
docker network create other >/dev/null
docker swarm init --advertise-addr 127.0.0.1 >/dev/null
facts >"$work/during"
[ "${KILL:-}" = "" ] || kill -KILL "$(cat .build/lab/engine/pid)"
lab/engine.sh stop
lab/engine.sh stop
facts >"$work/after"
diff "$work/before" "$work/after"
