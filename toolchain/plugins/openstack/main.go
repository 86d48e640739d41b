// pulumi-resource-openstack: the real terraform-provider-openstack behind Pulumi's bridge.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"

	"jupyterhub-swarm/toolchain/plugins/bridged"
)

//go:embed types.json
var types []byte

func main() {
	config := map[string]*tfbridge.SchemaInfo{}
	for key, variable := range map[string]string{
		"allow_reauth":  "OS_ALLOW_REAUTH",
		"cloud":         "OS_CLOUD",
		"delayed_auth":  "OS_DELAYED_AUTH",
		"endpoint_type": "OS_ENDPOINT_TYPE",
		"insecure":      "OS_INSECURE",
		"region":        "OS_REGION_NAME",
		"swauth":        "OS_SWAUTH",
	} {
		config[key] = &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{EnvVars: []string{variable}}}
	}
	bridged.Plugin{Name: "openstack", Types: types, Terraform: openstack.Provider(), Config: config}.Main()
}
