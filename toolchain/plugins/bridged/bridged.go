// Package bridged makes a Pulumi plugin of a Terraform provider by Pulumi's own bridge, for machines that cannot download
// the vendor's plugin, with only the types of a table. Any other type is refused with a message that says so.
//
// "pulumi-resource-NAME fields" prints the property names of every mapped type, for the test that compares them with the
// Python SDK.
package bridged

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Version is that of the Python SDK in requirements.txt; from-source.sh sets it (-ldflags -X).
var Version = "0.0.0"

// Plugin is what one plugin differs in: its name, its table types.json, the provider, and the provider's own configuration
// where the SDK has another name for a key, or an environment variable instead.
type Plugin struct {
	Name      string
	Types     []byte
	Terraform *schema.Provider
	Config    map[string]*tfbridge.SchemaInfo
}

// typeTable is types.json: names in Terraform to "module/file:Member" in the SDK, and the few properties whose SDK name
// does not follow from the bridge's rule.
type typeTable struct {
	Resources   map[string]string            `json:"resources"`
	DataSources map[string]string            `json:"dataSources"`
	FieldNames  map[string]map[string]string `json:"fieldNames"`
}

// Main is the plugin's whole main function.
func (plugin Plugin) Main() {
	if err := plugin.run(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-%s: %v\n", plugin.Name, err)
		os.Exit(1)
	}
}

// providerInfo describes the bridged provider: the mapped types, and names made from the resource's name plus a random
// suffix, as the SDK documents.
func (plugin Plugin) providerInfo() (tfbridge.ProviderInfo, error) {
	info := tfbridge.ProviderInfo{
		P:           sdkv2.NewProvider(plugin.Terraform),
		Name:        plugin.Name,
		Version:     Version,
		Config:      plugin.Config,
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	var table typeTable
	if err := json.Unmarshal(plugin.Types, &table); err != nil {
		return info, fmt.Errorf("types.json: %w", err)
	}
	for name, token := range table.Resources {
		if _, known := info.P.ResourcesMap().GetOk(name); !known {
			return info, fmt.Errorf("types.json: the provider has no resource %q", name)
		}
		info.Resources[name] = &tfbridge.ResourceInfo{Tok: tokens.Type(plugin.Name + ":" + token), Fields: fieldNames(table.FieldNames[name])}
	}
	for name, token := range table.DataSources {
		if _, known := info.P.DataSourcesMap().GetOk(name); !known {
			return info, fmt.Errorf("types.json: the provider has no data source %q", name)
		}
		info.DataSources[name] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(plugin.Name + ":" + token)}
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

func (plugin Plugin) run() error {
	info, err := plugin.providerInfo()
	if err != nil {
		return err
	}
	if len(os.Args) == 2 && os.Args[1] == "fields" {
		return printFields(info)
	}
	ctx := context.Background()
	info.P.InitLogging(ctx)
	// The engine asks for the schema only to check its name and version; the Python SDK carries its own types.
	described, err := json.Marshal(map[string]string{"name": plugin.Name, "version": Version})
	if err != nil {
		return err
	}
	return provider.Main(plugin.Name, func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		inner := tfbridge.NewProvider(ctx, host, plugin.Name, Version, info.P, info, described)
		return newMappedOnly(inner, info), nil
	})
}
