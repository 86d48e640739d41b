# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with the script that sources it
# The three resource plugins, each in the version of its Python SDK. Sourced by install.sh.

# place_plugin NAME VERSION FILE: makes FILE the plugin, in one step.
place_plugin() {
    local place=$plugins/resource-$1-v$2
    mkdir -p "$place"
    ln -sfn "$3" "$work/link"
    mv -T "$work/link" "$place/pulumi-resource-$1"
}

# fetch_plugins: the vendor's own plugins, by the engine. Succeeds only if all three are there.
fetch_plugins() {
    local name version place file
    for name in openstack docker command; do
        version=$(pin "pulumi-$name")
        place=$plugins/resource-$name-v$version
        file=$place/pulumi-resource-$name
        # One that is not a link (nor a script, as earlier versions had them) is not ours, but was fetched before.
        [ -f "$file" ] && [ ! -L "$file" ] && [ "$(head -c 2 "$file")" != '#!' ] && continue
        site_answers || return 1
        say "fetching the vendor's $name plugin $version"
        rm -rf "$place"
        PULUMI_HOME=$(dirname "$plugins") PULUMI_SKIP_UPDATE_CHECK=true "$pulumi" plugin install resource "$name" "$version" || return 1
    done
}

# given NAME: the executable for a plugin in the folder LAB_PLUGINS_DIR, for those who brought the vendor's plugins here by
# other means. Fails if there is none.
given() {
    local file=${LAB_PLUGINS_DIR:+$(cd "$LAB_PLUGINS_DIR" && pwd)/pulumi-resource-$1}
    [ -n "$file" ] && [ -x "$file" ] || return 1
    say "$1 plugin: $file (LAB_PLUGINS_DIR)"
    place_plugin "$1" "$(pin "pulumi-$1")" "$file"
}

# local_plugins: those given, the others built from Go modules.
local_plugins() {
    local name
    offline=yes
    for name in openstack docker command; do
        given "$name" || build_plugin "$name"
    done
}
