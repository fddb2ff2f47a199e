package wirename_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pyvider/rpcplugin/internal/wirename"
	"github.com/pyvider/rpcplugin/proto/kvpb"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

var toPlugin = wirename.Rename{From: "rpcplugin.plugin", To: "plugin"}

func TestServiceDesc(t *testing.T) {
	renamed := toPlugin.ServiceDesc(pluginpb.GRPCStdio_ServiceDesc)
	if renamed.ServiceName != "plugin.GRPCStdio" {
		t.Errorf("renamed to %q", renamed.ServiceName)
	}
	if pluginpb.GRPCStdio_ServiceDesc.ServiceName != "rpcplugin.plugin.GRPCStdio" {
		t.Errorf("the original became %q", pluginpb.GRPCStdio_ServiceDesc.ServiceName)
	}
	if other := toPlugin.ServiceDesc(kvpb.KV_ServiceDesc); other.ServiceName != "rpcplugin.kv.KV" {
		t.Errorf("a service of another package became %q", other.ServiceName)
	}
}

// spy is a connection that remembers what was called.
type spy struct{ method string }

var errSpy = errors.New("spy")

func (s *spy) Invoke(_ context.Context, method string, _, _ any, _ ...grpc.CallOption) error {
	s.method = method
	return errSpy
}

func (s *spy) NewStream(_ context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	s.method = method
	return nil, errSpy
}

func TestConn(t *testing.T) {
	for _, test := range []struct{ from, to, method, want string }{
		{"a.b", "c", "/a.b.Service/Method", "/c.Service/Method"},
		{"a", "b.c", "/a.Service/Method", "/b.c.Service/Method"},
		{"a.b", "c", "/a.bc.Service/Method", "/a.bc.Service/Method"},
		{"a.b", "c", "/x.a.b.Service/Method", "/x.a.b.Service/Method"},
	} {
		to := new(spy)
		conn := wirename.Rename{From: test.from, To: test.to}.Conn(to)
		if err := conn.Invoke(t.Context(), test.method, nil, nil); !errors.Is(err, errSpy) || to.method != test.want {
			t.Errorf("%q was invoked as %q, %v, expected %q", test.method, to.method, err, test.want)
		}
		to.method = ""
		if _, err := conn.NewStream(t.Context(), nil, test.method); !errors.Is(err, errSpy) || to.method != test.want {
			t.Errorf("%q was opened as %q, %v, expected %q", test.method, to.method, err, test.want)
		}
	}
}

func TestFile(t *testing.T) {
	before := protodesc.ToFileDescriptorProto(pluginpb.File_rpcplugin_plugin_grpc_broker_proto)
	file, err := toPlugin.File(pluginpb.File_rpcplugin_plugin_grpc_broker_proto)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(before, protodesc.ToFileDescriptorProto(pluginpb.File_rpcplugin_plugin_grpc_broker_proto)) {
		t.Error("the original has changed")
	}
	method := file.Services().ByName("GRPCBroker").Methods().ByName("StartStream")
	knock := file.Messages().ByName("ConnInfo").Fields().ByName("knock").Message()
	for name, got := range map[string]protoreflect.FullName{
		"plugin":                        file.Package().Append("x").Parent(),
		"plugin.GRPCBroker":             file.Services().Get(0).FullName(),
		"plugin.GRPCBroker.StartStream": method.FullName(),
		"plugin.ConnInfo":               method.Input().FullName(),
		"plugin.ConnInfo.Knock":         knock.FullName(),
	} {
		if string(got) != name {
			t.Errorf("%q, expected %q", got, name)
		}
	}
	if method.Output() != file.Messages().ByName("ConnInfo") {
		t.Error("the method's output is not the message of the same file")
	}
	if found, err := protoregistry.GlobalFiles.FindDescriptorByName("plugin.ConnInfo"); !errors.Is(err, protoregistry.NotFound) {
		t.Errorf("%v was registered globally, %v", found, err)
	}
}

func TestFileWithEnumsAndImports(t *testing.T) {
	file, err := toPlugin.File(pluginpb.File_rpcplugin_plugin_grpc_stdio_proto)
	if err != nil {
		t.Fatal(err)
	}
	data := file.Messages().ByName("StdioData")
	if enum := data.Fields().ByName("channel").Enum(); enum.FullName() != "plugin.StdioData.Channel" || enum.Parent() != data {
		t.Errorf("the field's enum is %q", enum.FullName())
	}
	if input := file.Services().Get(0).Methods().Get(0).Input(); input.FullName() != "google.protobuf.Empty" {
		t.Errorf("the imported message became %q", input.FullName())
	}
}
