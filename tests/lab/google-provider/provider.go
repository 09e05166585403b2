package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"golang.org/x/oauth2"
)

const (
	standIn = "Stand-in for the google provider: nothing is made at Google Cloud"
	detail  = "Plans come from the provider's schema alone, values that Google would compute are made up, and nothing is " +
		"ever replaced. Only the credentials are really asked for."
)

// The methods that are missing here are not called by Terraform for what the schema offers.
type provider struct {
	tfprotov5.ProviderServer
	schemas *schemas
	at      *asked
}

func failed(summary string, err error) []*tfprotov5.Diagnostic {
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: summary, Detail: err.Error()}}
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		Provider: p.schemas.provider, ResourceSchemas: p.schemas.resources, DataSourceSchemas: p.schemas.dataSources,
	}, nil
}

func (p *provider) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	answer := &tfprotov5.GetMetadataResponse{}
	for _, name := range sorted(p.schemas.resources) {
		answer.Resources = append(answer.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for _, name := range sorted(p.schemas.dataSources) {
		answer.DataSources = append(answer.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return answer, nil
}

func (p *provider) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, asked *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: asked.Config}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (p *provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p *provider) ConfigureProvider(ctx context.Context, given *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	config, err := given.Config.Unmarshal(p.schemas.provider.ValueType())
	if err != nil {
		return nil, err
	}
	own := newMaker("", config, &asked{})
	or := func(name string, variables ...string) string {
		if text := own.text(name); text != "" {
			return text
		}
		return first(variables...)
	}
	p.at = &asked{
		base:    or("resource_manager_v3_custom_endpoint", "GOOGLE_RESOURCE_MANAGER_V3_CUSTOM_ENDPOINT"),
		project: or("project", "GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
		region:  or("region", "GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"),
		zone:    or("zone", "GOOGLE_ZONE", "GCLOUD_ZONE", "CLOUDSDK_COMPUTE_ZONE"),
	}
	if p.at.base == "" || p.at.project == "" {
		err = errors.New("no project, or no resource_manager_v3_custom_endpoint: a stand-in never asks Google itself")
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: failed(standIn, err)}, nil
	}
	tokens, err := source(context.Background(), own.text("access_token"))
	if err == nil {
		// Of the provider's life, not of this call's.
		p.at.client = oauth2.NewClient(context.Background(), tokens)
		err = p.at.ask(ctx)
	}
	if err != nil {
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: failed("Asking for project "+p.at.project, err)}, nil
	}
	warning := &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityWarning, Summary: standIn, Detail: detail}
	return &tfprotov5.ConfigureProviderResponse{Diagnostics: []*tfprotov5.Diagnostic{warning}}, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, given *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	kind := p.schemas.resources[given.TypeName].ValueType()
	state, err := given.RawState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(kind, state)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &answer}, err
}

// What is there is what the state says, but for what somebody changed by hand.
func (p *provider) ReadResource(ctx context.Context, given *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	kind := p.schemas.resources[given.TypeName].ValueType()
	state, err := given.CurrentState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	changed, err := p.at.byHand(ctx, given.TypeName, newMaker(given.TypeName, state, p.at).name())
	if err != nil {
		return &tfprotov5.ReadResourceResponse{
			NewState: given.CurrentState, Private: given.Private, Diagnostics: failed("Reading "+given.TypeName, err),
		}, nil
	}
	found, err := tftypes.Transform(state, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if steps := path.Steps(); len(steps) == 1 && value.Type().Is(tftypes.String) {
			name, _ := steps[0].(tftypes.AttributeName)
			if text, there := changed[string(name)]; there {
				return tftypes.NewValue(tftypes.String, text), nil
			}
		}
		return value, nil
	})
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(kind, found)
	return &tfprotov5.ReadResourceResponse{NewState: &answer, Private: given.Private}, err
}

func (p *provider) PlanResourceChange(_ context.Context, given *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema := p.schemas.resources[given.TypeName]
	kind := schema.ValueType()
	proposed, err := given.ProposedNewState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	if proposed.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: given.ProposedNewState, PlannedPrivate: given.PriorPrivate}, nil
	}
	planned, err := p.planned(schema.Block, proposed)
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(kind, planned)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &answer, PlannedPrivate: given.PriorPrivate}, err
}

// The proposed state, with what is still to be computed marked as unknown. What is not computed again keeps the value
// that Terraform proposed, that of the state before.
func (p *provider) planned(block *tfprotov5.SchemaBlock, proposed tftypes.Value) (tftypes.Value, error) {
	own := newMaker("", proposed, p.at)
	return tftypes.Transform(proposed, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		one := attribute(block, path)
		switch {
		case one == nil:
			return value, nil
		case one.WriteOnly:
			return tftypes.NewValue(one.Type, nil), nil
		case one.Name == "effective_labels" || one.Name == "terraform_labels":
			if labels, there := own.self["labels"]; there && !labels.IsNull() {
				return labels, nil
			}
			return tftypes.NewValue(one.Type, map[string]tftypes.Value{}), nil
		case !one.Computed || !value.IsNull():
			return value, nil
		case one.Name == "project" && len(path.Steps()) == 1:
			return tftypes.NewValue(one.Type, p.at.project), nil
		}
		return tftypes.NewValue(one.Type, tftypes.UnknownValue), nil
	})
}

func (p *provider) ApplyResourceChange(ctx context.Context, given *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	kind := p.schemas.resources[given.TypeName].ValueType()
	refused := func(summary string, err error) *tfprotov5.ApplyResourceChangeResponse {
		return &tfprotov5.ApplyResourceChangeResponse{NewState: given.PriorState, Diagnostics: failed(summary, err)}
	}
	// With the token of this moment, as every change at Google would be asked for.
	if err := p.at.ask(ctx); err != nil {
		return refused("Asking for project "+p.at.project, err), nil
	}
	planned, err := given.PlannedState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	if planned.IsNull() {
		prior, err := given.PriorState.Unmarshal(kind)
		if err != nil {
			return nil, err
		}
		var protected bool
		value := newMaker("", prior, p.at).self["deletion_protection"]
		if value.IsKnown() && !value.IsNull() && value.As(&protected) == nil && protected {
			return refused("Cannot destroy "+given.TypeName, errors.New("deletion_protection is set")), nil
		}
		if err := p.told(ctx, given.TypeName, prior, true); err != nil {
			return refused("Destroying "+given.TypeName, err), nil
		}
		return &tfprotov5.ApplyResourceChangeResponse{NewState: given.PlannedState}, nil
	}
	state, err := p.whole(given.TypeName, planned)
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(kind, state)
	if err != nil {
		return nil, err
	}
	if err := p.told(ctx, given.TypeName, state, false); err != nil {
		return refused("Making "+given.TypeName, err), nil
	}
	return &tfprotov5.ApplyResourceChangeResponse{NewState: &answer, Private: given.PlannedPrivate}, nil
}

// Tells the lab that a resource is there, or is gone.
func (p *provider) told(ctx context.Context, kind string, state tftypes.Value, gone bool) error {
	made := newMaker(kind, state, p.at)
	is := map[string]string{"name": made.name()}
	if location := made.text("location"); location != "" {
		is["location"] = location
	}
	return p.at.tell(ctx, kind, made.text("id"), gone, is)
}

// Everything known: what was left to be computed is made up.
func (p *provider) whole(kind string, planned tftypes.Value) (tftypes.Value, error) {
	made := newMaker(kind, planned, p.at)
	return tftypes.Transform(planned, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if value.IsKnown() {
			return value, nil
		}
		return made.value(path, value.Type()), nil
	})
}

func (p *provider) ReadDataSource(ctx context.Context, given *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	schema := p.schemas.dataSources[given.TypeName]
	if err := p.at.ask(ctx); err != nil {
		return &tfprotov5.ReadDataSourceResponse{Diagnostics: failed("Asking for project "+p.at.project, err)}, nil
	}
	config, err := given.Config.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, err
	}
	found, err := p.planned(schema.Block, config)
	if err == nil {
		found, err = p.whole(given.TypeName, found)
	}
	if err != nil {
		return nil, err
	}
	answer, err := tfprotov5.NewDynamicValue(schema.ValueType(), found)
	return &tfprotov5.ReadDataSourceResponse{State: &answer}, err
}

func (p *provider) ImportResourceState(_ context.Context, given *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	err := fmt.Errorf("%s: there is nothing to import", given.TypeName)
	return &tfprotov5.ImportResourceStateResponse{Diagnostics: failed(standIn, err)}, nil
}
