// pulumi-resource-openstack for machines that cannot download the vendor's plugin: the real terraform-provider-openstack
// behind Pulumi's own bridge, with only the types of types.json. Any other type is refused with a message that says so.
//
// "pulumi-resource-openstack fields" prints the property names of every mapped type, for the test that compares them
// with the Python SDK.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

const pkg = "openstack"

// version is that of the Python SDK in requirements.txt; install.sh sets it (-ldflags -X).
var version = "0.0.0"

//go:embed types.json
var typesJSON []byte

// typeTable is types.json: names in Terraform to "module/file:Member" in the SDK, and the few properties whose SDK name
// does not follow from the bridge's rule.
type typeTable struct {
	Resources   map[string]string            `json:"resources"`
	DataSources map[string]string            `json:"dataSources"`
	FieldNames  map[string]map[string]string `json:"fieldNames"`
}

func loadTypes() (typeTable, error) {
	var table typeTable
	if err := json.Unmarshal(typesJSON, &table); err != nil {
		return table, fmt.Errorf("types.json: %w", err)
	}
	return table, nil
}

// providerInfo describes the bridged provider: the mapped types, the environment variables that the provider's own
// configuration falls back to, and names made from the resource's name plus a random suffix, as the SDK documents.
func providerInfo(table typeTable) (tfbridge.ProviderInfo, error) {
	info := tfbridge.ProviderInfo{
		P:           sdkv2.NewProvider(openstack.Provider()),
		Name:        pkg,
		Version:     version,
		Config:      configFromEnvironment(),
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for name, token := range table.Resources {
		if _, known := info.P.ResourcesMap().GetOk(name); !known {
			return info, fmt.Errorf("types.json: the OpenStack provider has no resource %q", name)
		}
		info.Resources[name] = &tfbridge.ResourceInfo{Tok: tokens.Type(pkg + ":" + token), Fields: fieldNames(table.FieldNames[name])}
	}
	for name, token := range table.DataSources {
		if _, known := info.P.DataSourcesMap().GetOk(name); !known {
			return info, fmt.Errorf("types.json: the OpenStack provider has no data source %q", name)
		}
		info.DataSources[name] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(pkg + ":" + token)}
	}
	info.SetAutonaming(255, "-")
	return info, nil
}

func fieldNames(names map[string]string) map[string]*tfbridge.SchemaInfo {
	fields := map[string]*tfbridge.SchemaInfo{}
	for terraform, pulumi := range names {
		fields[terraform] = &tfbridge.SchemaInfo{Name: pulumi}
	}
	return fields
}

func configFromEnvironment() map[string]*tfbridge.SchemaInfo {
	variables := map[string]string{
		"allow_reauth":  "OS_ALLOW_REAUTH",
		"cloud":         "OS_CLOUD",
		"delayed_auth":  "OS_DELAYED_AUTH",
		"endpoint_type": "OS_ENDPOINT_TYPE",
		"insecure":      "OS_INSECURE",
		"region":        "OS_REGION_NAME",
		"swauth":        "OS_SWAUTH",
	}
	config := map[string]*tfbridge.SchemaInfo{}
	for key, variable := range variables {
		config[key] = &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{EnvVars: []string{variable}}}
	}
	return config
}

func run() error {
	table, err := loadTypes()
	if err != nil {
		return err
	}
	info, err := providerInfo(table)
	if err != nil {
		return err
	}
	if len(os.Args) == 2 && os.Args[1] == "fields" {
		return printFields(info)
	}
	ctx := context.Background()
	info.P.InitLogging(ctx)
	// The engine asks for the schema only to check its name and version; the Python SDK carries its own types.
	schema, err := json.Marshal(map[string]string{"name": pkg, "version": version})
	if err != nil {
		return err
	}
	return provider.Main(pkg, func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		bridged := tfbridge.NewProvider(ctx, host, pkg, version, info.P, info, schema)
		return newMappedOnly(bridged, info), nil
	})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-openstack: %v\n", err)
		os.Exit(1)
	}
}
