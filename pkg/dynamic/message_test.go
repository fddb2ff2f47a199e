package dynamic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/descriptors"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// messages returns every request and reply of a protocol, by its name without the
// protocol's.
func messages(t testing.TB, protocol string) map[string]protoreflect.MessageDescriptor {
	t.Helper()
	files, err := descriptors.Files(protocol)
	if err != nil {
		t.Fatal(err)
	}
	file, err := files.FindFileByPath(protocol + ".proto")
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]protoreflect.MessageDescriptor{}
	for i := range file.Services().Len() {
		methods := file.Services().Get(i).Methods()
		for j := range methods.Len() {
			for _, d := range []protoreflect.MessageDescriptor{methods.Get(j).Input(), methods.Get(j).Output()} {
				result[strings.TrimPrefix(string(d.FullName()), protocol+".")] = d
			}
		}
	}
	return result
}

// encode makes a message.
func encode(t testing.TB, p *dynamic.Provider, d protoreflect.MessageDescriptor, text string, request protoreflect.Message) *dynamicpb.Message {
	t.Helper()
	m, err := p.EncodeMessage(d, []byte(text), request)
	if err != nil {
		t.Fatalf("%s from %s: %v", d.FullName(), text, err)
	}
	return m
}

// sections is a schema in which every kind of thing has an attribute that nothing
// else has. Whatever has a name is called x_thing.
func sections(t testing.TB, protocol string) *dynamic.Provider {
	t.Helper()
	all := messages(t, protocol)
	block := func(kind string) string {
		return fmt.Sprintf(`{"block":{"attributes":[{"name":"in_%s","type":"string","required":true}]}}`, kind)
	}
	text := `{"provider":` + block("provider") + `,"providerMeta":` + block("meta")
	for section, kind := range map[string]string{
		"resourceSchemas": "resource", "dataSourceSchemas": "data", "ephemeralResourceSchemas": "ephemeral", "listResourceSchemas": "list", "stateStoreSchemas": "store",
	} {
		if all["GetProviderSchema.Response"].Fields().ByJSONName(section) != nil {
			text += fmt.Sprintf(`,%q:{"x_thing":%s}`, section, block(kind))
		}
	}
	text += `,"actionSchemas":{"x_thing":{"schema":` + block("action") + `}}
		,"functions":{"x_thing":{"parameters":[{"name":"p","type":["object",{"in_argument":"string"}]}],"return":{"type":["object",{"in_result":"string"}]}}}}`
	replies := []protoreflect.Message{
		encode(t, nil, all["GetProviderSchema.Response"], text, nil),
		encode(t, nil, all["GetResourceIdentitySchemas.Response"],
			`{"identitySchemas":{"x_thing":{"identityAttributes":[{"name":"in_identity","type":"string","requiredForImport":true}]}}}`, nil),
	}
	if d := all["GetProvisionerSchema.Response"]; d != nil {
		replies = append(replies, encode(t, nil, d, `{"provisioner":`+block("provisioner")+`}`, nil))
	}
	p, err := dynamic.NewProvider(replies...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// same compares JSON without regard to the order of keys.
func same(t testing.TB, a, b []byte) bool {
	t.Helper()
	var one, other any
	if err := errors.Join(json.Unmarshal(a, &one), json.Unmarshal(b, &other)); err != nil {
		t.Fatalf("%v\n%s\n%s", err, a, b)
	}
	return fmt.Sprint(one) == fmt.Sprint(other)
}

func TestMessageForms(t *testing.T) {
	all, provider := messages(t, "tfplugin6"), sections(t, "tfplugin6")
	for _, test := range []struct {
		name, message, text string
		provider            *dynamic.Provider
	}{
		{"null is a value", "PlanResourceChange.Request", `{"typeName":"x_thing","priorState":null,"proposedNewState":{"in_resource":{"$unknown":true}}}`, provider},
		{"raw bytes", "PlanResourceChange.Request", `{"typeName":"x_other","config":{"$msgpack":"xAEB"}}`, provider},
		{"no bytes", "PlanResourceChange.Request", `{"typeName":"x_thing","config":{"$msgpack":""}}`, provider},
		{"JSON bytes", "ReadDataSource.Response", `{"state":{"$json":{"in_data":12345678901234567890.10}}}`, provider},
		{"without a schema", "ReadResource.Request", `{"typeName":"x","currentState":{"$$b":{"$unknown":true},"a":[1,"x",null,{"$type":["set","bool"],"$value":[]}]},"private":"AQI="}`, nil},
		{"stored state", "UpgradeResourceState.Request", `{"typeName":"x_thing","version":"1","rawState":{"json":{"a":1.10,"$unknown":true}}}`, provider},
		{"old stored state", "UpgradeResourceState.Request", `{"typeName":"x_thing","rawState":{"flatmap":{"a":"1"}}}`, provider},
		{"damaged stored state", "UpgradeResourceState.Request", `{"rawState":{"json":"e30g/w=="}}`, provider},
		{"types", "GetFunctions.Response", `{"functions":{"f":{"return":{"type":["list","string"]}}}}`, nil},
		{"other fields", "ReadResource.Response", `{"newState":{"in_resource":"x"},"private":"AQI=","deferred":{"reason":"ABSENT_PREREQ"}}`, provider},
		{"no values", "StopProvider.Response", `{"Error":"x"}`, provider},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := encode(t, nil, all["ReadDataSource.Request"], `{"typeName":"x_thing"}`, nil)
			m := encode(t, test.provider, all[test.message], test.text, request)
			got, err := test.provider.DecodeMessage(m, request)
			if err != nil || string(got) != test.text {
				t.Errorf("got %s, %v, expected %s", got, err, test.text)
			}
		})
	}
}

// A type that the schema does not have is shown by its bytes.
func TestUnknownTypeIsShown(t *testing.T) {
	d, provider := messages(t, "tfplugin6")["ReadResource.Request"], sections(t, "tfplugin6")
	text := `{"typeName":"x_other","currentState":{"a":1}}`
	m := encode(t, nil, d, text, nil)
	if got, err := provider.DecodeMessage(m, nil); err != nil || string(got) != text {
		t.Errorf("got %s, %v, expected %s", got, err, text)
	}
	m = encode(t, nil, d, `{"typeName":"x_other","currentState":{"$msgpack":"xAEB"}}`, nil) // bytes, which no value has
	if got, err := provider.DecodeMessage(m, nil); err != nil || !strings.Contains(string(got), `"$msgpack":"xAEB"`) {
		t.Errorf("got %s, %v, expected the bytes", got, err)
	}
}

func TestMessageErrors(t *testing.T) {
	all, provider := messages(t, "tfplugin6"), sections(t, "tfplugin6")
	for _, test := range []struct {
		message, text string
		reason        dynamic.Reason
		path, says    string
	}{
		{"ReadResource.Request", `{"typeName":"x_think","currentState":{}}`, dynamic.ReasonName, "currentState", `no resource type is named "x_think"`},
		{"ReadResource.Request", `{"typeName":"x_thing","current_state":{"in_resource":1}}`, dynamic.ReasonType, "current_state.in_resource", "number 1"},
		{"ReadResource.Request", `{"typeName":"x_thing","currentState":{}}`, dynamic.ReasonMissing, "currentState", `"in_resource"`},
		{"ReadResource.Request", `{"typeNam":"x_thing"}`, dynamic.ReasonName, "", `no field is named "typeNam"`},
		{"ReadResource.Request", `{"typeName":7}`, dynamic.ReasonMessage, "", "typeName"},
		{"ReadResource.Request", `{"typeName":"x_thing","currentState":{"$msgpack":7}}`, dynamic.ReasonNotation, "currentState", "base64"},
		{"ReadResource.Request", `{"typeName":"x_thing","currentIdentity":{"identityData":{"id":"x"}}}`, dynamic.ReasonName, "currentIdentity.identityData", `"id"`},
		{"CallFunction.Request", `{"name":"x_thing","arguments":[{"in_argument":"x"},1]}`, dynamic.ReasonType, "arguments[1]", "1 arguments"},
		{"CallFunction.Request", `{"name":"y","arguments":[1]}`, dynamic.ReasonName, "arguments[0]", `no function is named "y"`},
		{"StopProvider.Response", `[]`, dynamic.ReasonMessage, "", "unexpected token"},
	} {
		_, err := provider.EncodeMessage(all[test.message], []byte(test.text), nil)
		var got *dynamic.Error
		if !errors.As(err, &got) || got.Reason != test.reason || got.Path != test.path || !strings.Contains(got.Error(), test.says) {
			t.Errorf("%s: %v, expected %s at %q with %q", test.text, err, test.reason, test.path, test.says)
		}
	}
	if _, err := dynamic.NewProvider(dynamicpb.NewMessage(all["StopProvider.Response"])); err == nil {
		t.Error("a schema is taken from any message")
	}
}

// What may be left out is what Terraform would send for it.
func TestWhatMayBeLeftOut(t *testing.T) {
	d := messages(t, "tfplugin6")["GetProviderSchema.Response"]
	nested := func(name string, mode, attributes string) string {
		return fmt.Sprintf(`{"typeName":%q,"nesting":%q,"block":{"attributes":[%s]}}`, name, mode, attributes)
	}
	plain, free := `{"name":"a","type":"string","optional":true},{"name":"r","type":"number","required":true}`, `{"name":"a","type":"dynamic","optional":true}`
	schema := `{"provider":{"block":{"attributes":[
		{"name":"c","type":"string","computed":true},
		{"name":"n","nestedType":{"nesting":"LIST","attributes":[` + plain + `]},"optional":true}],
		"blockTypes":[` + strings.Join([]string{
		nested("single", "SINGLE", plain), nested("group", "GROUP", plain), nested("list", "LIST", plain), nested("set", "SET", plain), nested("map", "MAP", plain),
		nested("free_list", "LIST", free), nested("free_map", "MAP", free),
	}, ",") + `]}}}`
	provider, err := dynamic.NewProvider(encode(t, nil, d, schema, nil))
	if err != nil {
		t.Fatal(err)
	}
	config := messages(t, "tfplugin6")["ConfigureProvider.Request"]
	for text, want := range map[string]string{
		`{}`: `{"c":null,"free_list":{"$type":["tuple",[]],"$value":[]},"free_map":{"$type":["object",{}],"$value":{}},` +
			`"group":{"a":null,"r":null},"list":[],"map":{},"n":null,"set":[],"single":null}`,
		`{"n":[{"r":1}],"list":[{"r":1}],"set":[{"r":2}],"map":{"k":{"r":3}},"single":{"r":4},"free_list":[{},{"a":true}],"free_map":{"k":{"a":"x"}}}`: `{"c":null,` +
			`"free_list":{"$type":["tuple",[["object",{"a":"dynamic"}],["object",{"a":"bool"}]]],"$value":[{"a":null},{"a":true}]},` +
			`"free_map":{"$type":["object",{"k":["object",{"a":"string"}]}],"$value":{"k":{"a":"x"}}},` +
			`"group":{"a":null,"r":null},"list":[{"a":null,"r":1}],"map":{"k":{"a":null,"r":3}},"n":[{"a":null,"r":1}],"set":[{"a":null,"r":2}],"single":{"a":null,"r":4}}`,
	} {
		m := encode(t, provider, config, `{"config":`+text+`}`, nil)
		got, err := provider.DecodeMessage(m, nil)
		if want = `{"config":` + want + `}`; err != nil || string(got) != want {
			t.Errorf("%s: got\n%s, %v, expected\n%s", text, got, err, want)
		}
	}
	if _, err := provider.EncodeMessage(config, []byte(`{"config":{"list":[{}]}}`), nil); err == nil || !strings.Contains(err.Error(), `config.list[0]: object without attribute "r"`) {
		t.Errorf("%v, expected the required attribute to be missed", err)
	}
	block := encode(t, nil, d, schema, nil).Get(d.Fields().ByName("provider")).Message()
	if ty, err := dynamic.BlockType(block); err != nil || !ty.AttributeType("free_list").Equals(cty.DynamicPseudoType) || !ty.AttributeType("group").IsObjectType() {
		t.Errorf("type %#v, %v", ty, err)
	}
}

// A reply that has gone over the wire reads the same.
func TestMessageOfTheWire(t *testing.T) {
	d, provider := messages(t, "tfplugin5")["PrepareProviderConfig.Response"], sections(t, "tfplugin5")
	text := `{"preparedConfig":{"in_provider":"x"}}`
	wire, err := proto.Marshal(encode(t, provider, d, text, nil))
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(d)
	if err := proto.Unmarshal(wire, m); err != nil {
		t.Fatal(err)
	}
	if got, err := provider.DecodeMessage(m, nil); err != nil || string(got) != text {
		t.Errorf("got %s, %v, expected %s", got, err, text)
	}
}

func TestMessageWithOptions(t *testing.T) {
	d, provider := messages(t, "tfplugin6")["ReadDataSource.Request"], sections(t, "tfplugin6")
	m := encode(t, provider, d, `{"typeName":"x_thing","config":{"in_data":null}}`, nil)
	for want, options := range map[string]protojson.MarshalOptions{
		`{"type_name":"x_thing","config":{"in_data":null}}`:                                              {UseProtoNames: true},
		`{"typeName":"x_thing","config":{"in_data":null},"providerMeta":null,"clientCapabilities":null}`: {EmitUnpopulated: true},
	} {
		if got, err := provider.DecodeMessageWith(m, nil, options); err != nil || string(got) != want {
			t.Errorf("got %s, %v, expected %s", got, err, want)
		}
	}
	d = messages(t, "tfplugin6")["UpgradeResourceState.Request"]
	m = encode(t, provider, d, `{"rawState":{}}`, nil)
	want := `{"typeName":"","version":"0","rawState":{"json":"","flatmap":{}}}`
	if got, err := provider.DecodeMessageWith(m, nil, protojson.MarshalOptions{EmitDefaultValues: true}); err != nil || string(got) != want {
		t.Errorf("got %s, %v, expected %s", got, err, want)
	}
}
