#!/usr/bin/env bash
# The Docker engine that the lab runs in: the one that answers, else Debian's, started by systemd or, where none runs, by hand.
#
#   lab/engine.sh start    use the engine that answers; else install docker.io and start it
#   lab/engine.sh stop     stop the engine if, and only if, `start` started it, and take back what it changed on this machine
#   lab/engine.sh status   one line; exit status 0 if an engine answers, 3 if none does
#
# What this script started is written down in .build/lab/engine: `kind` (systemd or dockerd), `pid`, `before/` and `dockerd.log`.
# Images and containers stay in the package's own /var/lib/docker, so a later start finds them again.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
state=$PWD/.build/lab/engine
wait_s=${LAB_ENGINE_WAIT:-60}

say() { printf 'engine: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
answers() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }
under_systemd() { [ -d /run/systemd/system ]; }

# The dockerd that `start` launched, if it still is that process (a pid may have been given to another one since) and lives: one
# that was killed keeps its name until its parent has looked.
our_pid() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" && echo "$pid"
}

need_root() {
  [ "$(id -u)" = 0 ] || die "no Docker engine answers, and only root may install or start one; run this as root, or start Docker yourself and add $(id -un) to the group docker"
}

# Debian's packages, without the service being started behind our back (we must know who started it).
install_packages() {
  local -a missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  command -v docker >/dev/null || missing+=(docker.io)
  command -v nft >/dev/null || missing+=(nftables) # only it can remove the tables that Docker's rules were in
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    die "no Docker engine answers and this machine has no apt-get to install one; install Docker 20.10 or newer, start it and run this again"
  say "installing ${missing[*]} with apt-get (log: $state/apt.log)"
  . tools/services_off.sh
  trap services_on EXIT
  services_off
  local rc=0
  { apt-get -o DPkg::Lock::Timeout=300 update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "${missing[@]}"
  } >"$state/apt.log" 2>&1 || rc=$?
  services_on
  [ $rc = 0 ] || { tail -n 5 "$state/apt.log" >&2; die "apt-get could not install ${missing[*]} (exit $rc); see $state/apt.log"; }
}

mount_points() { awk '{print $2}' /proc/self/mounts | sort; }

# The facts that an engine changes for the whole machine, kept so that `stop` can set them back. Not taken anew when our engine
# died since: they would be the engine's.
record_before() {
  local boot=/proc/sys/kernel/random/boot_id
  [ ! -e "$state/kind" ] || ! cmp -s $boot "$state/before/boot" || return 0
  rm -rf "$state/before" && mkdir -p "$state/before"
  cat $boot >"$state/before/boot"
  sysctl -n net.ipv4.ip_forward >"$state/before/ip_forward"
  mount_points >"$state/before/mounts"
  ls /sys/class/net >"$state/before/links"
  iptables-save >"$state/before/iptables" 2>/dev/null || true
  ip6tables-save >"$state/before/ip6tables" 2>/dev/null || true
}

launch() {
  if under_systemd; then
    echo systemd >"$state/kind"
    systemctl start docker.service
    return
  fi
  command -v dockerd >/dev/null || die "dockerd is not on PATH after the installation of docker.io; check $state/apt.log"
  echo dockerd >"$state/kind"
  rm -f /var/run/docker.pid # of an engine that no longer answers; dockerd refuses to start beside it
  # A session of its own, no inherited descriptor (the lock!): closing the terminal must not end the lab.
  setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null 9>&- &
  echo $! >"$state/pid"
}

wait_for_it() {
  local began=$SECONDS
  until answers >/dev/null; do
    if [ $((SECONDS - began)) -gt "$wait_s" ] || { [ -e "$state/pid" ] && ! [ -d "/proc/$(cat "$state/pid")" ]; }; then
      tail -n 15 "$state/dockerd.log" >&2 2>/dev/null || true
      die "Docker did not answer within $((SECONDS - began)) s; see $state/dockerd.log (or: journalctl -u docker)"
    fi
    sleep 0.3
  done
}

start() {
  local version began=$SECONDS
  if version=$(answers); then
    say "using the engine that runs (Docker $version)"
    return
  fi
  need_root
  install_packages
  if [ -e /var/run/docker.pid ] && [ "$(cat "/proc/$(cat /var/run/docker.pid)/comm" 2>/dev/null)" = dockerd ]; then
    say "a dockerd is starting already; waiting for it"
  else
    record_before
    launch
  fi
  wait_for_it
  version=$(answers)
  say "Docker $version answers after $((SECONDS - began)) s (log: $state/dockerd.log)"
}

# Bridges of the engine's networks that were not there before it: docker0, swarm's docker_gwbridge, and those of other networks.
bridges() {
  local id name
  {
    echo docker0
    echo docker_gwbridge
    docker network ls --filter driver=bridge --format '{{.ID}}' 2>/dev/null | while read -r id; do
      name=$(docker network inspect "$id" --format '{{index .Options "com.docker.network.bridge.name"}}' 2>/dev/null) || continue
      echo "${name:-br-$id}"
    done
  } | sort -u | comm -23 - <(sort "$state/before/links" 2>/dev/null || true)
}

# Today's rules without Docker's own: no other program's rule is touched, and the FORWARD policy is what it was.
restore_rules() { # iptables|ip6tables, names of bridges...
  local tool=$1 pattern policy now table
  shift
  now=$("$tool-save" 2>/dev/null) && [ -n "$now" ] || return 0
  pattern="DOCKER|ingress_sbox|$(IFS='|'; echo "$*")"
  policy=$(sed -n 's/^:FORWARD \([A-Z]*\).*/\1/p' "$state/before/$tool" | head -n 1)
  grep -Ev "^(:|-A ).*($pattern)" <<<"$now" | sed "/^\*filter/,/^COMMIT/s/^:FORWARD [A-Z]*/:FORWARD ${policy:-ACCEPT}/" |
    "$tool-restore" || say "$tool-restore failed; Docker's rules may still be there"
  # A table that was not there before goes again, unless another program has put a rule into it.
  local family=ip
  [ "$tool" = iptables ] || family=ip6
  sed -n 's/^\*//p' <<<"$now" | while read -r table; do
    grep -q "^\*$table\$" "$state/before/$tool" || "$tool" -t "$table" -S | grep -q '^-A' || nft delete table $family "$table"
  done
}

clean_up() { # names of bridges...
  local link mount
  for link in "$@"; do
    [ ! -d "/sys/class/net/$link/bridge" ] || ip link delete "$link"
  done
  # Network namespaces, and mounts in the data folder, outlive a dockerd; deepest first.
  mount_points | comm -13 "$state/before/mounts" - | grep -E '^(/var)?/run/docker/|^/var/lib/docker/' | sort -r |
    while read -r mount; do umount -l "$mount"; done || true
  if [ -f "$state/before/iptables" ]; then
    restore_rules iptables "$@"
    restore_rules ip6tables "$@"
    sysctl -qw "net.ipv4.ip_forward=$(cat "$state/before/ip_forward")"
  fi
  find /sys/fs/cgroup -maxdepth 2 -type d -name docker -exec rmdir {} + 2>/dev/null || true
  rm -rf /var/run/docker /var/run/docker.sock /var/run/docker.pid
}

stop() {
  local kind pid began=$SECONDS
  kind=$(cat "$state/kind" 2>/dev/null) || { say "nothing to stop: no engine was started by this script"; return; }
  need_root
  if [ "$kind" = dockerd ] && ! answers >/dev/null; then
    # Killed, perhaps this very moment. Containers live on without their dockerd: it takes one to end them.
    for _ in $(seq 20); do our_pid >/dev/null || break; sleep 0.25; done
    our_pid >/dev/null || [ ! -d /var/run/docker/containerd ] || { launch && wait_for_it; }
  fi
  local -a links
  mapfile -t links < <(bridges)
  if [ "$kind" = systemd ]; then
    systemctl stop docker.service docker.socket
  elif pid=$(our_pid); then
    kill -TERM "$pid"
    while [ -d "/proc/$pid" ]; do
      [ $((SECONDS - began)) -lt "$wait_s" ] || die "dockerd (pid $pid) did not end within $wait_s s; see $state/dockerd.log"
      sleep 0.3
    done
  fi
  clean_up "${links[@]}"
  rm -rf "$state/kind" "$state/pid" "$state/before"
  say "stopped after $((SECONDS - began)) s"
}

status() {
  local version who="not started by the lab"
  [ ! -e "$state/kind" ] || who="started by the lab ($(cat "$state/kind"))"
  if version=$(answers); then
    echo "Docker $version answers, $who"
  else
    echo "no Docker engine answers"
    return 3
  fi
}

mkdir -p "$state"
case "${1:-}" in
  start | stop)
    exec 9>"$state/lock"
    flock -w 300 9 || die "another start or stop has held $state/lock for 5 minutes; wait for it or end it"
    "$1"
    ;;
  status) status ;;
  *) die "usage: lab/engine.sh start|stop|status" ;;
esac
