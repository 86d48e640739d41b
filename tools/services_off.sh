# shellcheck shell=bash
# Sourced. While packages are installed, no service of theirs may start: Debian's policy-rc.d says so. The file must not outlive
# that, or no package could start a service on this machine any more; one that a killed run has left goes with the next.
policy=/usr/sbin/policy-rc.d policy_mark='# jupyterhub-swarm: only while packages are installed'

services_off() {
  [ -e $policy ] || { printf '%s\n' '#!/bin/sh' "$policy_mark" 'exit 101' >$policy && chmod 755 $policy; }
}

services_on() {
  if grep -qsx "$policy_mark" $policy; then rm -f $policy || true; fi
}
