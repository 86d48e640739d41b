// pulumi-resource-command: the one resource of the vendor's command plugin that this project uses, remote.Command, for
// machines that cannot download that plugin (whose Go module cannot be had by itself either).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"jupyterhub-swarm/toolchain/plugins/bridged"
)

const token = "command:remote:Command"

// commands is the plugin: it has no settings. What is not said here (imports, functions) it does not do.
type commands struct {
	plugin.UnimplementedProvider
	host    *provider.HostClient
	running context.Context
	cancel  context.CancelFunc
}

// Configure has nothing to do.
func (*commands) Configure(context.Context, plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	return plugin.ConfigureResponse{}, nil
}

// GetSchema tells name and version, which is all that the engine looks at.
func (*commands) GetSchema(context.Context, plugin.GetSchemaRequest) (plugin.GetSchemaResponse, error) {
	schema, err := json.Marshal(map[string]string{"name": "command", "version": bridged.Version})
	return plugin.GetSchemaResponse{Schema: schema}, err
}

// GetPluginInfo tells the version.
func (*commands) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	version, err := semver.Parse(bridged.Version)
	return plugin.PluginInfo{Version: &version}, err
}

// SignalCancellation ends all lines that run.
func (c *commands) SignalCancellation(context.Context) error {
	c.cancel()
	return nil
}

func main() {
	err := provider.Main("command", func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		running, cancel := context.WithCancel(context.Background())
		return plugin.NewProviderServer(&commands{host: host, running: running, cancel: cancel}), nil
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-command: %v\n", err)
		os.Exit(1)
	}
}
