#!/bin/bash
# On the manager, when no node is about to join: let the certificates of all nodes have the lifetime. Swarm's own end after 90
# days, and are renewed only while the node runs.
# Usage: certificates LIFETIME HALF SECONDS   (LIFETIME is hours, such as 87600h; HALF of it in days; SECONDS to wait at most)
set -euo pipefail
. swarm/common.sh
lifetime=$1 half=$2 seconds=$3

# The lifetime is set together with a rotation alone, so a swarm that has it has had that rotation, whatever was interrupted.
set_already() { [ "$(swarm Cluster.Spec.CAConfig.NodeCertExpiry)" = "${lifetime}0m0s" ]; }

if ! rotating && ! { set_already && lasts "$half"; }; then rotate "$lifetime"; fi
until_is "$seconds" not_rotating && exit 0
echo "The swarm renews its certificates, and waits for nodes that do not answer:" >&2
docker node ls --format '{{.Hostname}} {{.Status}} ({{.ID}})' | grep -v ' Ready ' >&2 || true
echo "It goes on by itself when they are back. For one that does not come back: docker node rm --force ID" >&2
