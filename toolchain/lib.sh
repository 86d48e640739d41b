# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with the script that sources it
# Helpers that install.sh and its parts share. Sets the folders; changes nothing by itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/toolchain
dir=$root/.build/toolchain
bin=$dir/bin
plugins=$root/.build/pulumi-home/plugins

# Progress lines carry the seconds since the start ($SECONDS, kept by bash).
say() { printf 'toolchain %4ss  %s\n' "$SECONDS" "$*"; }
fail() { printf 'toolchain: %s\n' "$*" >&2; exit 1; }

# pin NAME: the version that requirements.txt pins, so that a version stands once for the SDK and its plugin.
pin() {
    local version
    version=$(sed -n "s/^$1==\([0-9][0-9.]*\).*/\1/p" "$root/requirements.txt")
    [ -n "$version" ] || fail "requirements.txt: no line '$1==X.Y.Z'. The engine and the plugins take their versions from there; add it."
    printf '%s' "$version"
}

# at_least HAVE NEED: is version HAVE the same as NEED or newer?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# run_quietly TITLE COMMAND...: runs COMMAND with its output in a log, says every 10 s that it goes on (with the log's
# length and $progress), and shows the log's end if it fails. It is killed with this script, so that an interrupted
# build leaves no compiler behind.
run_quietly() {
    local title=$1 log=$dir/log started=$SECONDS next=$((SECONDS + 10)) child
    shift
    say "$title"
    "$@" >"$log" 2>&1 9>&- &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS >= next)); then
            say "$title: $(wc -l <"$log")${progress:+ $progress}"
            next=$((SECONDS + 10))
        fi
    done
    if ! wait "$child"; then
        tail -n 20 "$log" >&2
        fail "$title: failed; the lines above are the end of $log. Run the same command again once the cause is gone: what is done is kept."
    fi
    progress=''
    say "$title: done in $((SECONDS - started)) s"
}

# link_into_bin FILE...: makes bin hold just these, as hard links: the engine and the language host look for their
# companions beside the file that they really are. What is right already is not touched, since it may be running.
link_into_bin() {
    local file old wanted
    for file; do
        [ "$file" -ef "$bin/${file##*/}" ] || ln -f "$file" "$bin/"
    done
    for old in "$bin"/*; do
        wanted=
        for file; do
            [ "${file##*/}" != "${old##*/}" ] || wanted=yes
        done
        [ -n "$wanted" ] || rm -f "$old"
    done
}
