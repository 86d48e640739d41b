package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/propertyvalue"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// values are the inputs, and beside them in the state the outputs; a field that is not here is refused.
type values struct {
	Connection  *endpoint         `json:"connection"`
	Create      *string           `json:"create"`
	Update      *string           `json:"update"`
	Delete      *string           `json:"delete"`
	Stdin       string            `json:"stdin"`
	Environment map[string]string `json:"environment"`
	Triggers    []any             `json:"triggers"`
	Logging     string            `json:"logging"`
	Stdout      string            `json:"stdout"`
	Stderr      string            `json:"stderr"`
}

// open is the properties without their secrecy.
func open(properties resource.PropertyMap) resource.PropertyMap {
	return propertyvalue.RemoveSecrets(resource.NewProperty(properties)).ObjectValue()
}

// decode reads properties; what is not known yet is left out.
func decode(properties resource.PropertyMap, strict bool) (values, error) {
	var decoded values
	known := func(value resource.PropertyValue) (any, bool) { return nil, value.IsComputed() || value.IsOutput() }
	text, err := json.Marshal(open(properties).MapRepl(nil, known))
	if err != nil {
		return decoded, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if strict {
		decoder.DisallowUnknownFields()
	}
	return decoded, decoder.Decode(&decoded)
}

// Check refuses what only the vendor's plugin knows. The SDK has filled in the defaults.
func (*commands) Check(_ context.Context, request plugin.CheckRequest) (plugin.CheckResponse, error) {
	if request.Type != token {
		return plugin.CheckResponse{}, fmt.Errorf("%s: this command plugin, which was built here, knows %s alone; use the vendor's", request.Type, token)
	}
	checked := request.News.Copy()
	if _, err := decode(checked, true); err != nil {
		reason := fmt.Sprintf("%v: this command plugin, which was built here, has only what the program uses (toolchain/plugins/command)", err)
		return plugin.CheckResponse{Failures: []plugin.CheckFailure{{Reason: reason}}}, nil
	}
	if connection, given := checked["connection"]; given && !connection.IsSecret() {
		checked["connection"] = resource.MakeSecret(connection)
	}
	return plugin.CheckResponse{Properties: checked}, nil
}

// Diff holds inputs against inputs, whatever their secrecy; another trigger replaces.
func (*commands) Diff(_ context.Context, request plugin.DiffRequest) (plugin.DiffResponse, error) {
	diff := open(request.OldInputs).DiffIncludeUnknowns(open(request.NewInputs), resource.IsInternalPropertyKey)
	if diff == nil {
		return plugin.DiffResponse{Changes: plugin.DiffNone}, nil
	}
	response := plugin.DiffResponse{Changes: plugin.DiffSome, ChangedKeys: diff.ChangedKeys()}
	if diff.Changed("triggers") {
		response.ReplaceKeys = []resource.PropertyKey{"triggers"}
	}
	return response, nil
}

// Create runs `create`.
func (c *commands) Create(_ context.Context, request plugin.CreateRequest) (plugin.CreateResponse, error) {
	given, err := decode(request.Properties, false)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	state, err := c.state(request.URN, request.Preview, given, given.Create, request.Properties)
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix)
	return plugin.CreateResponse{ID: resource.ID(request.Name + hex.EncodeToString(suffix)), Properties: state}, err
}

// Read finds what was recorded: what a line did is not looked at again.
func (*commands) Read(_ context.Context, request plugin.ReadRequest) (plugin.ReadResponse, error) {
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{ID: request.ID, Inputs: request.Inputs, Outputs: request.State}}, nil
}

// Update runs `update`, or `create` where there is none.
func (c *commands) Update(_ context.Context, request plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	given, err := decode(request.NewInputs, false)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	before, err := decode(request.OldOutputs, false)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	given.Stdout, given.Stderr = before.Stdout, before.Stderr
	line := given.Update
	if line == nil {
		line = given.Create
	}
	state, err := c.state(request.URN, request.Preview, given, line, request.NewInputs)
	return plugin.UpdateResponse{Properties: state}, err
}

// Delete runs `delete` as it was recorded at the last create or update.
func (c *commands) Delete(_ context.Context, request plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	recorded, err := decode(request.Outputs, false)
	if err == nil && recorded.Delete != nil {
		_, _, err = c.run(request.URN, recorded, *recorded.Delete)
	}
	return plugin.DeleteResponse{}, err
}

// state runs a line and is the inputs with what the line wrote; without a line with what was there before.
func (c *commands) state(urn resource.URN, preview bool, given values, line *string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	state := inputs.Copy()
	if preview {
		state["stdout"] = resource.MakeComputed(resource.NewProperty(""))
		state["stderr"] = resource.MakeComputed(resource.NewProperty(""))
		return state, nil
	}
	if line != nil {
		var err error
		if given.Stdout, given.Stderr, err = c.run(urn, given, *line); err != nil {
			return nil, err
		}
	}
	state["stdout"] = resource.NewProperty(strings.TrimSuffix(given.Stdout, "\n"))
	state["stderr"] = resource.NewProperty(strings.TrimSuffix(given.Stderr, "\n"))
	return state, nil
}
