package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

//go:embed schema.json
var text []byte

// What "terraform providers schema -json" prints of one provider.
type printed struct {
	Provider    printedSchema            `json:"provider"`
	Resources   map[string]printedSchema `json:"resource_schemas"`
	DataSources map[string]printedSchema `json:"data_source_schemas"`
}

type printedSchema struct {
	Version int64        `json:"version"`
	Block   printedBlock `json:"block"`
}

type printedBlock struct {
	Attributes map[string]printedAttribute   `json:"attributes"`
	Blocks     map[string]printedNestedBlock `json:"block_types"`
	Deprecated bool                          `json:"deprecated"`
}

type printedAttribute struct {
	Type       json.RawMessage `json:"type"`
	Required   bool            `json:"required"`
	Optional   bool            `json:"optional"`
	Computed   bool            `json:"computed"`
	Sensitive  bool            `json:"sensitive"`
	Deprecated bool            `json:"deprecated"`
	WriteOnly  bool            `json:"write_only"`
}

type printedNestedBlock struct {
	Nesting string       `json:"nesting_mode"`
	Block   printedBlock `json:"block"`
	Min     int64        `json:"min_items"`
	Max     int64        `json:"max_items"`
}

type schemas struct {
	provider    *tfprotov5.Schema
	resources   map[string]*tfprotov5.Schema
	dataSources map[string]*tfprotov5.Schema
}

func load() (*schemas, error) {
	var all printed
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("reading schema.json: %w", err)
	}
	provider, err := all.Provider.schema()
	if err != nil {
		return nil, fmt.Errorf("the provider's schema: %w", err)
	}
	resources, err := each(all.Resources)
	if err != nil {
		return nil, err
	}
	dataSources, err := each(all.DataSources)
	if err != nil {
		return nil, err
	}
	return &schemas{provider, resources, dataSources}, nil
}

func each(printed map[string]printedSchema) (map[string]*tfprotov5.Schema, error) {
	found := make(map[string]*tfprotov5.Schema, len(printed))
	for name, one := range printed {
		schema, err := one.schema()
		if err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", name, err)
		}
		found[name] = schema
	}
	return found, nil
}

func (p printedSchema) schema() (*tfprotov5.Schema, error) {
	block, err := p.Block.block()
	if err != nil {
		return nil, err
	}
	return &tfprotov5.Schema{Version: p.Version, Block: block}, nil
}

func (p printedBlock) block() (*tfprotov5.SchemaBlock, error) {
	block := &tfprotov5.SchemaBlock{Deprecated: p.Deprecated}
	for _, name := range sorted(p.Attributes) {
		one := p.Attributes[name]
		kind, err := tftypes.ParseJSONType(one.Type) //nolint:staticcheck // there is no other parser of this form
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		block.Attributes = append(block.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: kind, Required: one.Required, Optional: one.Optional, Computed: one.Computed,
			Sensitive: one.Sensitive, Deprecated: one.Deprecated, WriteOnly: one.WriteOnly,
		})
	}
	nestings := map[string]tfprotov5.SchemaNestedBlockNestingMode{
		"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
		"list":   tfprotov5.SchemaNestedBlockNestingModeList,
		"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
		"map":    tfprotov5.SchemaNestedBlockNestingModeMap,
	}
	for _, name := range sorted(p.Blocks) {
		one := p.Blocks[name]
		inner, err := one.Block.block()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		nesting, known := nestings[one.Nesting]
		if !known {
			return nil, fmt.Errorf("%s: nesting %q", name, one.Nesting)
		}
		block.BlockTypes = append(block.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: nesting, MinItems: one.Min, MaxItems: one.Max,
		})
	}
	return block, nil
}

func sorted[V any](of map[string]V) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// The attribute that a path leads to; nothing for a block, and nothing for what lies inside of an attribute.
func attribute(block *tfprotov5.SchemaBlock, path *tftypes.AttributePath) *tfprotov5.SchemaAttribute {
	var names []string
	for _, step := range path.Steps() {
		if name, is := step.(tftypes.AttributeName); is {
			names = append(names, string(name))
		}
	}
	steps := path.Steps()
	if len(names) == 0 {
		return nil
	}
	if _, is := steps[len(steps)-1].(tftypes.AttributeName); !is {
		return nil
	}
	for _, name := range names[:len(names)-1] {
		if block = nested(block, name); block == nil {
			return nil
		}
	}
	for _, one := range block.Attributes {
		if one.Name == names[len(names)-1] {
			return one
		}
	}
	return nil
}

func nested(block *tfprotov5.SchemaBlock, name string) *tfprotov5.SchemaBlock {
	for _, one := range block.BlockTypes {
		if one.TypeName == name {
			return one.Block
		}
	}
	return nil
}
