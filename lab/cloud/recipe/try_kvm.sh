#!/usr/bin/env bash
# Does a kernel boot with KVM here? /dev/kvm may be there and still not run an ordinary guest (nested, or without the CPU's help).
# Exit status 0 if it does; one line says what was found.
set -euo pipefail

console=$(mktemp)
timeout 12 qemu-system-x86_64 -accel kvm -cpu host -smp 2 -m 256 -display none -nodefaults -no-reboot -serial "file:$console" \
  -kernel /opt/lab/vmlinuz -append "console=ttyS0 panic=-1" </dev/null >"$console.qemu" 2>&1 &
qemu=$!
# Without a disk the kernel gives up looking for one: it has come all the way through its own start by then.
for _ in {1..60}; do
  if grep -q 'Unable to mount root fs' "$console"; then
    kill $qemu 2>/dev/null || true
    echo "a kernel boots with KVM"
    exit 0
  fi
  if grep -qE 'KVM internal error|emulation failure' "$console.qemu" || ! kill -0 $qemu 2>/dev/null; then
    break
  fi
  sleep 0.2
done
kill $qemu 2>/dev/null || true
reason=$(grep -m 1 -iE 'error|failed|could not' "$console.qemu" || true)
echo "/dev/kvm is there, but a kernel does not boot with it (${reason:-not through its start within 12 s})"
exit 1
