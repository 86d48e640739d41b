// pulumi-resource-docker: the real terraform-provider-docker behind Pulumi's bridge.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	docker "github.com/terraform-providers/terraform-provider-docker"

	"jupyterhub-swarm/toolchain/plugins/bridged"
)

//go:embed types.json
var types []byte

func main() {
	config := map[string]*tfbridge.SchemaInfo{
		"host":          {Default: &tfbridge.DefaultInfo{EnvVars: []string{"DOCKER_HOST"}}},
		"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
	}
	bridged.Plugin{Name: "docker", Types: types, Terraform: docker.New(bridged.Version)(), Config: config}.Main()
}
