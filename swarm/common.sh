#!/bin/bash
# What the scripts beside this one share. They run on a node as the ssh user, who is in the docker group.
set -euo pipefail

command -v openssl >/dev/null || { echo "This node has no openssl: install that package, and 'pulumi up' again." >&2 && exit 1; }

swarm() { docker info --format "{{.Swarm.$1}}"; } # FIELD

swarm_folder() { echo "$(docker info --format '{{.DockerRootDir}}')/swarm"; }

# The node's own certificate. Its subject is O=<the swarm's id>, OU=<the node's role>, CN=<the node's id>.
certificate() { sudo openssl x509 -noout -nameopt RFC2253 -in "$(swarm_folder)/certificates/swarm-node.crt" "$@"; }

lasts() { certificate -checkend "$(($1 * 86400))" >/dev/null; } # DAYS

rotating() { [ "$(swarm Cluster.RootRotationInProgress)" = true ]; }

until_is() { # SECONDS COMMAND...: whether the command succeeds within that time
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 1
  done
}

settled() { [ "$(swarm LocalNodeState)" != pending ]; }

# New certificates of that lifetime for all nodes, by another CA of the swarm, while everything runs. Join tokens change with it.
rotate() { # LIFETIME
  docker swarm ca --rotate --detach --cert-expiry "$1" >/dev/null
}
not_rotating() { ! rotating; }
