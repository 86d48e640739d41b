#!/usr/bin/env bash
# Gives this checkout a working Pulumi under .build/: the engine with its Python language host, and the openstack, docker
# and command plugins. `make toolchain` runs it; running it again changes nothing and takes a second.
#
# Three ways, the first that works is taken; LAB_TOOLCHAIN=path|download|build forces one:
#   path      the pulumi on PATH, if it is as new as the SDK in requirements.txt (same major, same minor or newer)
#   download  the vendor's release, where his site answers within 5 s
#   build     from Go modules, versions pinned in */go.mod and */go.sum; the plugins have then the types alone that the
#             program uses. The folder LAB_PLUGINS_DIR may hold the vendor's (pulumi-resource-NAME) instead
# Use the result by `. .build/toolchain/env`.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
# shellcheck source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=from-source.sh disable=SC1091
. "$here/from-source.sh"
# shellcheck source=plugins.sh disable=SC1091
. "$here/plugins.sh"

site=${LAB_PULUMI_SITE:-https://get.pulumi.com}
for name in pulumi pulumi-openstack pulumi-docker pulumi-command; do
    pin "$name" >/dev/null
done
want=$(pin pulumi)

engine_version() { PULUMI_SKIP_UPDATE_CHECK=true timeout 20 "$1" version 2>/dev/null | sed -n 's/^v\([0-9.]*\).*/\1/p'; }

# site_answers: is there a vendor's site? Asked once, and only when something has to be fetched from it.
site_answers() {
    if [ -z "${answers:-}" ]; then
        answers=no
        command -v curl >/dev/null && curl -sfI -o /dev/null --connect-timeout 3 --max-time 5 "$site/" && answers=yes
        [ "$answers" = yes ] || say "$site does not answer within 5 s (or there is no curl)"
    fi
    [ "$answers" = yes ]
}

# find_on_path: sets pulumi to the first good one on PATH that is not our own; else says why each found one is not.
find_on_path() {
    local candidate version
    while read -r candidate; do
        [ ! "$(dirname "$candidate")" -ef "$bin" ] || continue  # also by the name of a link
        version=$(engine_version "$candidate")
        if [ "${version%%.*}" != "${want%%.*}" ] || ! at_least "$version" "${want%.*}"; then
            say "$candidate is version ${version:-unknown}; the SDK in requirements.txt is $want, so it must be ${want%.*} or newer: not used"
        elif ! PATH=$PATH:$(dirname "$(readlink -f "$candidate")") command -v pulumi-language-python >/dev/null; then
            say "$candidate has no pulumi-language-python beside it or on PATH: not used"
        else
            pulumi=$candidate
            link_into_bin
            return
        fi
    done < <(type -ap pulumi)
    return 1
}

# download: the vendor's release into .build, complete or not at all.
download() {
    local release=$dir/downloaded/$want archive
    if [ ! -d "$release" ]; then
        case $(uname -sm) in
            'Linux x86_64') archive=pulumi-v$want-linux-x64.tar.gz ;;
            'Linux aarch64') archive=pulumi-v$want-linux-arm64.tar.gz ;;
            *) say "no release of Pulumi is known here for $(uname -sm)"; return 1 ;;
        esac
        site_answers || return 1
        say "fetching $site/releases/sdk/$archive"
        if ! curl -fsSL --connect-timeout 5 --retry 2 -o "$work/$archive" "$site/releases/sdk/$archive" ||
            ! tar -xzf "$work/$archive" -C "$work" || [ "$(engine_version "$work/pulumi/pulumi")" != "$want" ]; then
            say "$site/releases/sdk/$archive: could not be fetched whole, or is not Pulumi $want"
            return 1
        fi
        mkdir -p "$dir/downloaded"
        mv -T "$work/pulumi" "$release"
    fi
    link_into_bin "$release"/*
    pulumi=$bin/pulumi
}

# choose_engine: sets pulumi (the executable) and way (how it was had).
choose_engine() {
    way=${LAB_TOOLCHAIN:-}
    case $way in
        path) find_on_path || fail "LAB_TOOLCHAIN=path, but there is no pulumi ${want%.*} or newer with its Python language host on PATH. Install one or leave LAB_TOOLCHAIN out." ;;
        download) download || fail "LAB_TOOLCHAIN=download, but Pulumi $want could not be had from $site. Check the network or leave LAB_TOOLCHAIN out." ;;
        build) build_engine ;;
        '')
            if find_on_path; then way=path
            elif [ -d "$dir/downloaded/$want" ] && download; then way=download
            elif ! built engine language-python && download; then way=download
            else way=build && build_engine; fi
            ;;
        *) fail "LAB_TOOLCHAIN=$way: must be path, download or build, or be left out" ;;
    esac
}

# The plugins go by the engine's way; without the vendor's site they are built here and stood in for.
install_plugins() {
    if [ "$way" != build ] && [ -z "${LAB_PLUGINS_DIR:-}" ]; then
        fetch_plugins && return
        say "the vendor's plugins cannot be had here: building them"
    fi
    local_plugins
}

# write_env: what a shell needs to use this Pulumi. The virtualenv's python comes first since the language host that is
# built here takes the first python on PATH, whatever Pulumi.yaml says.
write_env() {
    cat >"$work/env" <<END
# Written by toolchain/install.sh (way: $way). Use: . .build/toolchain/env
export PATH='$root/.venv/bin':'$bin':"\$PATH"
export PULUMI_HOME='$(dirname "$plugins")'
export PULUMI_SKIP_UPDATE_CHECK=true
END
    # The engine would look for newer ones at the vendor's, in vain.
    [ -z "${offline:-}" ] || echo 'export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true' >>"$work/env"
    mv "$work/env" "$dir/env"
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    # The shell's own list knows a build from its first moment on; a variable would learn of it a moment later.
    local builds
    mapfile -t builds < <(jobs -p)
    if [ ${#builds[@]} -gt 0 ]; then
        kill "${builds[@]}" 2>/dev/null || true
        wait "${builds[@]}" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}

main() {
    mkdir -p "$bin" "$plugins"
    exec 9>"$dir/lock"
    flock -n 9 || { say "another make toolchain is at work in this checkout; waiting for it"; flock 9; }
    rm -rf "$dir"/work.* # left by a run that was killed
    work=$(mktemp -d "$dir/work.XXXXXX")
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    [ -z "${LAB_PLUGINS_DIR:-}" ] || [ -d "$LAB_PLUGINS_DIR" ] || fail "LAB_PLUGINS_DIR=$LAB_PLUGINS_DIR: no such folder. It must hold pulumi-resource-NAME files, or be left out."
    choose_engine
    install_plugins
    write_env
    have=$(engine_version "$pulumi")
    [ -n "$have" ] || fail "$pulumi does not run: \`$pulumi version\` says no version. Remove $dir and run \`make toolchain\` again."
    say "ready: Pulumi $have ($way: $pulumi); use it with: . .build/toolchain/env"
}

main
