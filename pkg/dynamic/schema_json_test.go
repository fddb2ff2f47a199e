package dynamic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// All that a schema can have, in the form of "terraform providers schema -json".
// That Terraform itself prints the same is tried with real providers.
func TestSchemaJSON(t *testing.T) {
	all := messages(t, "tfplugin6")
	schemas := encode(t, nil, all["GetProviderSchema.Response"], `{
		"provider":{"version":"1","block":{"deprecated":true,"description":"p","descriptionKind":"MARKDOWN","deprecationMessage":"old"}},
		"resourceSchemas":{"x_r":{"version":"2","block":{
			"attributes":[
				{"name":"a","type":["object",{"k":"string"},["k"]],"required":true,"sensitive":true,"description":"d"},
				{"name":"n","optional":true,"computed":true,"writeOnly":true,"nestedType":{"nesting":"MAP","attributes":[{"name":"i","type":"bool","optional":true}]}}],
			"blockTypes":[{"typeName":"b","nesting":"GROUP","minItems":"1","maxItems":"2","block":{}}]}}},
		"dataSourceSchemas":{"x_d":{"block":{}}},
		"ephemeralResourceSchemas":{"x_e":{"block":{}}},
		"listResourceSchemas":{"x_l":{"block":{}}},
		"stateStoreSchemas":{"x_s":{"block":{}}},
		"actionSchemas":{"x_a":{"schema":{"block":{}}}},
		"functions":{"f":{"summary":"s","description":"d","deprecationMessage":"m","return":{"type":"number"},
			"parameters":[{"name":"p","type":"string","allowNullValue":true,"description":"q"}],"variadicParameter":{"name":"v","type":"dynamic"}}}}`, nil)
	identities := encode(t, nil, all["GetResourceIdentitySchemas.Response"], `{"identitySchemas":{"x_r":{"version":"3","identityAttributes":[
		{"name":"id","type":"string","requiredForImport":true,"description":"i"},{"name":"region","type":"string","optionalForImport":true}]}}}`, nil)
	functions := encode(t, nil, all["GetFunctions.Response"], `{"functions":{"g":{"return":{"type":"bool"}}}}`, nil)
	got, err := dynamic.SchemaJSON("example.com/acme/x", schemas, functions, identities)
	empty := `{"version":0,"block":{"description_kind":"plain"}}`
	want := `{"format_version":"1.0","provider_schemas":{"example.com/acme/x":{
		"provider":{"version":1,"block":{"description":"p","description_kind":"markdown","deprecated":true,"deprecation_message":"old"}},
		"resource_schemas":{"x_r":{"version":2,"block":{"description_kind":"plain",
			"attributes":{
				"a":{"type":["object",{"k":"string"},["k"]],"description":"d","description_kind":"plain","required":true,"sensitive":true},
				"n":{"nested_type":{"nesting_mode":"map","attributes":{"i":{"type":"bool","description_kind":"plain","optional":true}}},
					"description_kind":"plain","optional":true,"computed":true,"write_only":true}},
			"block_types":{"b":{"nesting_mode":"group","min_items":1,"max_items":2,"block":{"description_kind":"plain"}}}}}},
		"data_source_schemas":{"x_d":` + empty + `},"ephemeral_resource_schemas":{"x_e":` + empty + `},"list_resource_schemas":{"x_l":` + empty + `},
		"state_store_schemas":{"x_s":` + empty + `},"action_schemas":{"x_a":` + empty + `},
		"functions":{
			"f":{"summary":"s","description":"d","deprecation_message":"m","return_type":"number",
				"parameters":[{"name":"p","type":"string","is_nullable":true,"description":"q"}],"variadic_parameter":{"name":"v","type":"dynamic"}},
			"g":{"return_type":"bool"}},
		"resource_identity_schemas":{"x_r":{"version":3,"attributes":{
			"id":{"type":"string","description":"i","required_for_import":true},"region":{"type":"string","optional_for_import":true}}}}}}}`
	if err != nil || !same(t, got, []byte(want)) {
		t.Errorf("got\n%s, %v, expected\n%s", got, err, want)
	}
}

// A schema that cannot be understood is refused where it is needed, with the place.
func TestSchemaErrors(t *testing.T) {
	all := messages(t, "tfplugin6")
	attribute := func(text string) string { return `{"attributes":[` + text + `]}` }
	for text, says := range map[string]string{
		attribute(`{"name":"a","type":"strin"}`):                                                                                `a: string "strin" is no type`,
		attribute(`{"name":"a"}`):                                                                                               `a: no type`,
		attribute(`{"name":"a","type":["list"]}`):                                                                               `a: array of 1 is no type`,
		attribute(`{"name":"a","type":["list","string","string"]}`):                                                             `a: array of 3 is no type`,
		attribute(`{"name":"a","type":["bag","string"]}`):                                                                       `a: array of 2 is no type`,
		attribute(`{"name":"a","type":["tuple","string"]}`):                                                                     `a: array of 2 is no type`,
		attribute(`{"name":"a","type":["tuple",[null]]}`):                                                                       `a: null is no type`,
		attribute(`{"name":"a","type":["object",null]}`):                                                                        `a: array of 2 is no type`,
		attribute(`{"name":"a","type":["object",{"k":1}]}`):                                                                     `a: number 1 is no type`,
		attribute(`{"name":"a","type":["object",{"k":"bool"},["j"]]}`):                                                          `a: array of 3 is no type`,
		attribute(`{"name":"a","type":["object",{"k":"bool"},"k"]}`):                                                            `a: array of 3 is no type`,
		attribute(`{"name":"a","nestedType":{"attributes":[]}}`):                                                                `a: nesting mode 0`,
		`{"blockTypes":[{"typeName":"b","block":` + attribute(`{"name":"a"}`) + `}]}`:                                           `b.a: no type`,
		`{"blockTypes":[{"typeName":"b","block":{}}]}`:                                                                          `b: nesting mode 0`,
		attribute(`{"name":"a","nestedType":{"nesting":"SET","attributes":[{}]}}`):                                              `no type`,
		strings.Repeat(`{"blockTypes":[{"nesting":"SINGLE","block":`, 300) + `{"blockTypes":[{}]}` + strings.Repeat(`}]}`, 300): `nesting mode 0`,
	} {
		schema := encode(t, nil, all["GetProviderSchema.Response"], `{"resourceSchemas":{"x_r":{"block":`+text+`}}}`, nil)
		p, err := dynamic.NewProvider(schema)
		if err != nil {
			t.Fatal(err)
		}
		request := `{"typeName":"x_r","currentState":{}}`
		_, err = p.EncodeMessage(all["ReadResource.Request"], []byte(request), nil)
		var got *dynamic.Error
		if !errors.As(err, &got) || got.Reason != dynamic.ReasonSchema || !strings.Contains(got.Error(), says) || got.Hint() == "" {
			t.Errorf("%.200s: %v, expected %q", text, err, says)
		}
		if _, err := p.DecodeMessage(encode(t, nil, all["ReadResource.Request"], request, nil), nil); !errors.As(err, &got) {
			t.Errorf("%.200s: shown with error %v", text, err)
		}
	}
	schema := encode(t, nil, all["GetProviderSchema.Response"], `{"resourceSchemas":{"x_r":{"block":`+attribute(`{"name":"a","type":7}`)+`}}}`, nil)
	var got *dynamic.Error
	if _, err := dynamic.SchemaJSON("x", schema); !errors.As(err, &got) || got.Reason != dynamic.ReasonSchema || got.Path != "a" {
		t.Errorf("%v, expected the type of a to be refused", err)
	}
}
