package bridged

import (
	"encoding/json"
	"os"
	"sort"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// typeFields lists the properties of one type under their Pulumi names; one inside another is "outer.inner".
type typeFields struct {
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// add collects the properties of one schema. What only the cloud sets is no input; inside a block that is one, the SDK
// takes every property.
func (all *typeFields) add(prefix string, schema shim.SchemaMap, fields map[string]*tfbridge.SchemaInfo, input bool) {
	schema.Range(func(key string, property shim.Schema) bool {
		name := prefix + tfbridge.TerraformToPulumiNameV2(key, schema, fields)
		isInput := input && (prefix != "" || property.Optional() || property.Required())
		all.Outputs = append(all.Outputs, name)
		if isInput {
			all.Inputs = append(all.Inputs, name)
		}
		if block, ok := property.Elem().(shim.Resource); ok {
			all.add(name+".", block.Schema(), nil, isInput)
		}
		return true
	})
}

func fieldsOf(schema shim.SchemaMap, fields map[string]*tfbridge.SchemaInfo) typeFields {
	all := typeFields{Inputs: []string{}, Outputs: []string{}}
	all.add("", schema, fields, true)
	sort.Strings(all.Inputs)
	sort.Strings(all.Outputs)
	return all
}

// printFields writes {"token": {"inputs": [...], "outputs": [...]}} for the provider itself and every
// mapped type to standard output.
func printFields(info tfbridge.ProviderInfo) error {
	types := map[string]typeFields{"pulumi:providers:" + info.Name: fieldsOf(info.P.Schema(), info.Config)}
	for name, resource := range info.Resources {
		types[string(resource.Tok)] = fieldsOf(info.P.ResourcesMap().Get(name).Schema(), resource.Fields)
	}
	for name, source := range info.DataSources {
		types[string(source.Tok)] = fieldsOf(info.P.DataSourcesMap().Get(name).Schema(), source.Fields)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(types)
}
