// Where the docker provider comes from, and by go.sum that it is the one. No Go is built in this module: from-source.sh takes the
// files that `files` names, as they are, and left_out.go beside them.
module jupyterhub-swarm/toolchain/plugins/docker/source

go 1.25.11

require github.com/terraform-providers/terraform-provider-docker v0.0.0

// Its go.mod has the name of its former owner.
replace github.com/terraform-providers/terraform-provider-docker => github.com/kreuzwerker/terraform-provider-docker v0.0.0-20260916201441-96d331c98ff4
