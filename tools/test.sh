#!/usr/bin/env bash
# `make test`: everything but the end-to-end tests, on a machine with nothing installed by hand.
# It installs the tools it needs (as root), starts a Docker engine only if none runs, and stops only what it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
began=$SECONDS
say() { printf '[%4d s] test: %s\n' $((SECONDS - began)) "$*" >&2; }

started=
stop() { services_on; [ -z "$started" ] || lab/engine.sh stop; }
. tools/services_off.sh
trap stop EXIT
services_on

# program → Debian package
declare -A needed=([cloud-init]=cloud-init [ssh]=openssh-client [/usr/sbin/sshd]=openssh-server [ip]=iproute2 [busybox]=busybox-static
  [mkfs.xfs]=xfsprogs [restic]=restic
  [docker-registry]=docker-registry [nginx]=nginx [htpasswd]=apache2-utils)
missing=()
for program in "${!needed[@]}"; do
  command -v "$program" >/dev/null || missing+=("${needed[$program]}")
done
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "test: install ${missing[*]}, or run this as root" >&2; exit 1; }
  say "installing ${missing[*]}"
  # No service of these packages may start, now or at the next boot: the tests run their own.
  mkdir -p .build /etc/cloud
  [ -d /run/cloud-init ] || touch /etc/cloud/cloud-init.disabled
  services_off
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >.build/test-apt.log 2>&1 ||
    { tail -n 5 .build/test-apt.log >&2; exit 1; }
  services_on
fi

say "virtual environment and toolchain"
make --no-print-directory toolchain

if ! timeout 10 docker version >/dev/null 2>&1; then
  say "starting a Docker engine"
  lab/engine.sh start
  started=yes
fi

say "tests"
# Many tests wait for programs, so there is one more at a time than there are processors; those of a file share what it starts.
.venv/bin/python -m pytest -n $(($(nproc) + 1)) --dist loadfile --no-loadscope-reorder --junitxml=.build/test/results.xml "$@"
say "done"
