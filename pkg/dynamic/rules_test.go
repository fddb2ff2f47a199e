package dynamic_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/descriptors"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// kinds says of every field of type DynamicValue whose value it is.
func kinds(protocol string) map[string]string {
	all := map[string]string{
		"ReadResource.Request.current_state": "resource", "ReadResource.Response.new_state": "resource",
		"PlanResourceChange.Request.prior_state": "resource", "PlanResourceChange.Request.proposed_new_state": "resource",
		"PlanResourceChange.Request.config": "resource", "PlanResourceChange.Response.planned_state": "resource",
		"ApplyResourceChange.Request.prior_state": "resource", "ApplyResourceChange.Request.planned_state": "resource",
		"ApplyResourceChange.Request.config": "resource", "ApplyResourceChange.Response.new_state": "resource",
		"ImportResourceState.Response.imported_resources.state": "resource", "UpgradeResourceState.Response.upgraded_state": "resource",
		"MoveResourceState.Response.target_state": "resource", "GenerateResourceConfig.Request.state": "resource",
		"GenerateResourceConfig.Response.config": "resource", "ListResource.Event.resource_object": "resource",
		"ReadDataSource.Request.config": "data", "ReadDataSource.Response.state": "data",
		"ReadResource.Request.provider_meta": "meta", "PlanResourceChange.Request.provider_meta": "meta",
		"ApplyResourceChange.Request.provider_meta": "meta", "ReadDataSource.Request.provider_meta": "meta",
		"ValidateEphemeralResourceConfig.Request.config": "ephemeral", "OpenEphemeralResource.Request.config": "ephemeral",
		"OpenEphemeralResource.Response.result": "ephemeral",
		"ListResource.Request.config":           "list", "ValidateListResourceConfig.Request.config": "list",
		"ValidateListResourceConfig.Request.include_resource_object": "true", "ValidateListResourceConfig.Request.limit": "7",
		"ValidateActionConfig.Request.config": "action", "PlanAction.Request.config": "action", "InvokeAction.Request.config": "action",
		"CallFunction.Request.arguments": "argument", "CallFunction.Response.result": "result",
	}
	for _, field := range []string{
		"ReadResource.Request.current_identity", "ReadResource.Response.new_identity", "PlanResourceChange.Request.prior_identity",
		"PlanResourceChange.Response.planned_identity", "ApplyResourceChange.Request.planned_identity", "ApplyResourceChange.Response.new_identity",
		"ImportResourceState.Request.identity", "ImportResourceState.Response.imported_resources.identity", "MoveResourceState.Response.target_identity",
		"UpgradeResourceIdentity.Response.upgraded_identity", "ListResource.Event.identity",
	} {
		all[field+".identity_data"] = "identity"
	}
	if protocol == "tfplugin5" {
		maps.Copy(all, map[string]string{
			"PrepareProviderConfig.Request.config": "provider", "PrepareProviderConfig.Response.prepared_config": "provider", "Configure.Request.config": "provider",
			"ValidateResourceTypeConfig.Request.config": "resource", "ValidateDataSourceConfig.Request.config": "data",
			"ValidateProvisionerConfig.Request.config": "provisioner", "ProvisionResource.Request.config": "provisioner",
			"ProvisionResource.Request.connection": "anything",
		})
	} else {
		maps.Copy(all, map[string]string{
			"ValidateProviderConfig.Request.config": "provider", "ConfigureProvider.Request.config": "provider",
			"ValidateResourceConfig.Request.config": "resource", "ValidateDataResourceConfig.Request.config": "data",
			"ValidateStateStoreConfig.Request.config": "store", "ConfigureStateStore.Request.config": "store",
		})
	}
	return all
}

// valueFields returns the ways to all fields of type DynamicValue below a message.
func valueFields(d protoreflect.MessageDescriptor, way string) []string {
	var found []string
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		switch {
		case f.Message() == nil || strings.HasPrefix(string(f.Message().FullName()), "google."):
		case f.Message().Name() == "DynamicValue":
			found = append(found, way+"."+string(f.Name()))
		case !strings.Contains(string(f.Message().FullName()), "Schema"): // which is recursive
			found = append(found, valueFields(f.Message(), way+"."+string(f.Name()))...)
		}
	}
	return found
}

// Every field of every message of both protocols has a rule, and it is the right
// one: a value that only the right schema takes goes there and back.
func TestEveryValueOfEveryMethod(t *testing.T) {
	for _, protocol := range descriptors.Names() {
		provider, want := sections(t, protocol), kinds(protocol)
		all := messages(t, protocol)
		for name, d := range all {
			fields := valueFields(d, name)
			if len(fields) > 0 && !dynamic.Has(d) {
				t.Errorf("%s.%s: has no values, expected %q", protocol, name, fields)
			}
			for _, field := range fields {
				kind, ruled := want[field]
				if !ruled {
					t.Errorf("%s.%s: no rule for it", protocol, field)
					continue
				}
				delete(want, field)
				var request protoreflect.Message
				call, _, _ := strings.Cut(name, ".")
				if asked := all[call+".Request"]; asked != d {
					request = encode(t, provider, asked, naming(asked, ""), nil)
				}
				text := naming(d, nested(d, strings.Split(strings.TrimPrefix(field, name+"."), "."), kind))
				m := encode(t, provider, d, text, request)
				got, err := provider.DecodeMessage(m, request)
				if err != nil || !same(t, got, []byte(text)) {
					t.Errorf("%s.%s: got %s, %v, expected %s", protocol, field, got, err, text)
				}
				text = naming(d, nested(d, strings.Split(strings.TrimPrefix(field, name+"."), "."), "another"))
				if _, err := provider.EncodeMessage(d, []byte(text), request); (err == nil) != (kind == "anything") {
					t.Errorf("%s.%s takes %s: %v", protocol, field, text, err)
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("%s has no %q", protocol, slices.Sorted(maps.Keys(want)))
		}
	}
}

// nested writes a value at the end of a way through fields.
func nested(d protoreflect.MessageDescriptor, way []string, kind string) string {
	f := d.Fields().ByName(protoreflect.Name(way[0]))
	text := `{"in_` + kind + `":"x"}`
	switch {
	case len(way) > 1:
		text = naming(f.Message(), nested(f.Message(), way[1:], kind))
	case kind == "true" || kind == "7":
		text = kind
	}
	if f.IsList() {
		text = "[" + text + "]"
	}
	return fmt.Sprintf("%q:%s", f.JSONName(), text)
}

// naming writes a message that says which thing it is about, if it can.
func naming(d protoreflect.MessageDescriptor, rest string) string {
	for _, name := range []protoreflect.Name{"type_name", "target_type_name", "action_type", "name"} {
		if f := d.Fields().ByName(name); f != nil && rest != "" {
			return fmt.Sprintf(`{%q:"x_thing",%s}`, f.JSONName(), rest)
		} else if f != nil {
			return fmt.Sprintf(`{%q:"x_thing"}`, f.JSONName())
		}
	}
	return "{" + rest + "}"
}
