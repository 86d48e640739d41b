#!/usr/bin/env bash
# The container's first program below tini: the kernel's settings, the external bridge, the configuration; then the supervisor.
#
# From `docker run`: LAB_FLOATING (CIDR of the external network), LAB_MTU (bytes), LAB_DNS (comma-separated), LAB_VIRT (kvm or qemu)
set -euo pipefail
: "${LAB_FLOATING:?}" "${LAB_MTU:?}" "${LAB_DNS:?}" "${LAB_VIRT:?}"

# Without --privileged Docker mounts /sys read-only; the bridges' settings are in there.
if grep -q '^sysfs /sys sysfs ro' /proc/mounts; then
  mount -o remount,rw /sys
fi
# Security groups are iptables rules on bridged traffic.
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1

# The cloud's external network, with the container as its gateway: the machine routes to it, and what leaves is masqueraded.
gateway=$(python3 -c 'import ipaddress, sys; n = ipaddress.ip_network(sys.argv[1]); print(f"{n[1]}/{n.prefixlen}")' "$LAB_FLOATING")
ip link show br-ext >/dev/null 2>&1 || ip link add br-ext mtu "$LAB_MTU" type bridge
ip link set br-ext up
ip address replace "$gateway" dev br-ext
rule=(POSTROUTING -s "$LAB_FLOATING" -o eth0 -j MASQUERADE)
iptables -w -t nat -C "${rule[@]}" 2>/dev/null || iptables -w -t nat -A "${rule[@]}"

mkdir -p /run/lab /run/lock /var/log/lab /var/lib/lab/lock /srv/lab/{images,images-staging,images-tasks,instances,volumes}
chown mysql /run/lab
rm -rf /var/lib/rabbitmq/mnesia # queues from before a restart serve nobody
python3 /opt/lab/recipe/render.py
exec python3 /opt/lab/recipe/supervise.py
