package bridged

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// mappedOnly stands before the bridge and refuses, with the remedy, a type that types.json does not map. The bridge
// itself would only say "unrecognized resource type". Check is the first thing that the engine asks about a resource of
// the program, Read about one to import or refresh, Invoke about a data source.
type mappedOnly struct {
	pulumirpc.ResourceProviderServer
	plugin      string
	resources   map[string]bool
	dataSources map[string]bool
}

func newMappedOnly(inner pulumirpc.ResourceProviderServer, info tfbridge.ProviderInfo) *mappedOnly {
	guard := &mappedOnly{inner, info.Name, map[string]bool{}, map[string]bool{}}
	for _, mapped := range info.Resources {
		guard.resources[string(mapped.Tok)] = true
	}
	for _, mapped := range info.DataSources {
		guard.dataSources[string(mapped.Tok)] = true
	}
	return guard
}

func (guard *mappedOnly) refusal(kind, token, section string) error {
	return status.Errorf(codes.Unimplemented, "%s %s is not mapped in this %s plugin, which was built from Go modules and has only "+
		"the types of toolchain/plugins/%[3]s/types.json; add it there under %[4]q and run `make toolchain`, or use the vendor's "+
		"plugin where it can be downloaded", kind, token, guard.plugin, section)
}

func (guard *mappedOnly) checkURN(urn string) error {
	parsed, err := resource.ParseURN(urn)
	if err != nil {
		return fmt.Errorf("resource name %q: %w", urn, err)
	}
	if token := string(parsed.Type()); !guard.resources[token] {
		return guard.refusal("resource type", token, "resources")
	}
	return nil
}

// Check refuses unmapped resource types before the bridge looks at the inputs.
func (guard *mappedOnly) Check(ctx context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if err := guard.checkURN(request.GetUrn()); err != nil {
		return nil, err
	}
	return guard.ResourceProviderServer.Check(ctx, request)
}

// Read refuses unmapped resource types on import, `get` and refresh.
func (guard *mappedOnly) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if err := guard.checkURN(request.GetUrn()); err != nil {
		return nil, err
	}
	return guard.ResourceProviderServer.Read(ctx, request)
}

// Invoke refuses unmapped data sources.
func (guard *mappedOnly) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if token := request.GetTok(); !guard.dataSources[token] {
		return nil, guard.refusal("data source", token, "dataSources")
	}
	return guard.ResourceProviderServer.Invoke(ctx, request)
}
