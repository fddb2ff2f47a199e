//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/descriptors"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// A provider's schema in our form is what Terraform prints of it.
func TestSchemaOfTerraform(t *testing.T) {
	const timeAddress = "registry.terraform.io/hashicorp/time"
	for _, test := range []struct {
		name, address, protocol, method string
		version                         int
		install                         func(*sandbox) (plugin string)
	}{
		{"time", timeAddress, "tfplugin5", "GetSchema", 5, func(s *sandbox) string {
			s.installTime()
			s.terraform("init").ok()
			return tool(s, "terraform-provider-time")
		}},
		{"notes", address, "tfplugin6", "GetProviderSchema", 6, func(s *sandbox) string {
			s.configure("x")
			s.install(s.notes())
			return s.path("mirror", address, version, platform, binary)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSandbox(t)
			plugin := test.install(s)
			want := asTree(t, []byte(s.start(tool(t, "terraform"), "providers", "schema", "-json").wait().ok().stdout))
			_, reply := s.attachToProvider(plugin, test.protocol, test.version).call(nil, test.method, "{}")
			text, err := dynamic.SchemaJSON(test.address, reply)
			s.try(err)
			got := asTree(t, text)
			// Terraform 1.5 does not know these yet.
			provider := got["provider_schemas"].(map[string]any)[test.address].(map[string]any)
			for _, later := range []string{"functions", "ephemeral_resource_schemas", "list_resource_schemas", "action_schemas", "resource_identity_schemas"} {
				delete(provider, later)
			}
			if len(provider["resource_schemas"].(map[string]any)) == 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%s\nexpected\n%v", text, want)
			}
		})
	}
}

// asTree reads JSON.
func asTree(t *testing.T, text []byte) (tree map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return tree
}

// provider is a provider that we are the host of.
type provider struct {
	*sandbox
	client  *client.Client
	service protoreflect.ServiceDescriptor
}

// attachToProvider starts a provider.
func (s *sandbox) attachToProvider(plugin, protocol string, version int) provider {
	s.Helper()
	cookie := handshake.Cookie{Key: "TF_PLUGIN_MAGIC_COOKIE", Value: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"}
	c, err := client.Start(context.Background(), client.Config{
		Command: []string{plugin}, Cookie: cookie, AppVersions: []int{version}, Environ: s.environ, Dir: s.project, StartTimeout: patience,
	})
	s.try(err)
	s.Cleanup(func() { s.try(c.Close(context.Background())) })
	files, err := descriptors.Files(protocol)
	s.try(err)
	service, err := files.FindDescriptorByName(protoreflect.FullName(protocol + ".Provider"))
	s.try(err)
	return provider{s, c, service.(protoreflect.ServiceDescriptor)}
}

// call calls a method with a request as JSON.
func (p provider) call(types *dynamic.Provider, method, text string) (request, reply protoreflect.Message) {
	p.Helper()
	called := p.service.Methods().ByName(protoreflect.Name(method))
	asked, err := types.EncodeMessage(called.Input(), []byte(text), nil)
	p.try(err)
	answer := dynamicpb.NewMessage(called.Output())
	p.try(p.client.Conn().Invoke(p.Context(), "/"+string(p.service.FullName())+"/"+method, asked, answer))
	return asked, answer
}

// Real providers take what we write and answer what we show.
func TestValuesOfProviders(t *testing.T) {
	s := newSandbox(t)
	s.configure("x")
	s.install(s.notes())
	time := s.attachToProvider(tool(s, "terraform-provider-time"), "tfplugin5", 5)
	notes := s.attachToProvider(s.path("mirror", address, version, platform, binary), "tfplugin6", 6)
	_, ofTime := time.call(nil, "GetSchema", "{}")
	_, ofNotes := notes.call(nil, "GetProviderSchema", "{}")
	for _, test := range []struct {
		provider provider
		schema   protoreflect.Message
		method   string
		text     string
		want     string // is in the reply
	}{
		{time, ofTime, "PlanResourceChange", `{"typeName":"time_static","priorState":null,"proposedNewState":{},"config":{}}`, `"year":{"$unknown":true}`},
		{time, ofTime, "PlanResourceChange", `{"typeName":"time_static","priorState":null,"proposedNewState":{"rfc3339":"2020-02-12T06:36:13Z"},"config":{"rfc3339":"2020-02-12T06:36:13Z"}}`, `"rfc3339":"2020-02-12T06:36:13Z"`},
		{time, ofTime, "UpgradeResourceState", `{"typeName":"time_sleep","rawState":{"json":{"id":"x","create_duration":"1s"}}}`, `{"create_duration":"1s","destroy_duration":null,"id":"x","triggers":null}`},
		{time, ofTime, "ImportResourceState", `{"typeName":"time_static","id":"2020-02-12T06:36:13Z"}`, `"hour":6`},
		{time, ofTime, "CallFunction", `{"name":"duration_parse","arguments":["90m"]}`, `"hours":1.5`},
		{notes, ofNotes, "PlanResourceChange", `{"typeName":"notes_note","priorState":null,"proposedNewState":{"title":"t","content":"c"},"config":{"title":"t","content":"c"}}`, `{"$unknown":true}`},
	} {
		types, err := dynamic.NewProvider(test.schema)
		s.try(err)
		asked, answer := test.provider.call(types, test.method, test.text)
		got, err := types.DecodeMessage(answer, asked)
		if err != nil || !strings.Contains(string(got), test.want) {
			t.Errorf("%s with %s: %s, %v, expected %s", test.method, test.text, got, err, test.want)
		}
	}
}
