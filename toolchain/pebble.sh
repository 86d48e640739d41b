#!/usr/bin/env bash
# Builds Pebble, Let's Encrypt's small CA for tests, and its name server from Go modules; prints the folder that holds both.
# The tests of the front door run it; running it again changes nothing.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
# shellcheck source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=from-source.sh disable=SC1091
. "$here/from-source.sh"

commands=github.com/letsencrypt/pebble/v2/cmd
folder=$(unit_folder pebble)
mkdir -p "$dir/built"
exec 9>"$dir/lock"
flock 9
if ! built pebble; then
    work=$(mktemp -d "$dir/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    need_go >&2
    # shellcheck disable=SC2154  # from-source.sh sets it
    run_quietly "pebble: building" \
        go -C "$here/pebble" build "${build_flags[@]}" -o "$work/unit/" "$commands/pebble" "$commands/pebble-challtestsrv" >&2
    for older in "$dir"/built/pebble-*; do
        [ ! -d "$older" ] || rm -rf "$older"
    done
    mv -T "$work/unit" "$folder"
fi
printf '%s\n' "$folder"
