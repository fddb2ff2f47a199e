package services_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	_ "github.com/hashicorp/go-plugin" // registers the package plugin globally
	_ "github.com/hashicorp/go-plugin/examples/grpc/proto"
	"google.golang.org/grpc"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// reflectiveServer serves all that a plugin does.
func reflectiveServer(t *testing.T, schemas ...services.Schema) served {
	return serve(t, nil, func(s *grpc.Server) {
		services.NewStdio().Register(s)
		services.NewBroker(services.BrokerConfig{}).Register(s)
		services.NewController(func() {}).Register(s)
		services.NewHealth(nil).Register(s)
		registerEcho(s)
		services.RegisterReflection(s, schemas...)
	})
}

// asked is one version of reflection: it lists the services, or returns the
// files that hold a symbol or have a name.
type asked struct {
	list   func() []string
	symbol func(string) ([][]byte, error)
	file   func(string) ([][]byte, error)
}

var errReflection = errors.New("reflection")

func askV1(t *testing.T, at served) asked {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(at.conn).ServerReflectionInfo(soon(t))
	noError(t, err)
	ask := func(request *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
		noError(t, stream.Send(request))
		response, err := stream.Recv()
		noError(t, err)
		return response
	}
	files := func(request *reflectionv1.ServerReflectionRequest) ([][]byte, error) {
		response := ask(request)
		if response.GetErrorResponse() != nil {
			return nil, errReflection
		}
		return response.GetFileDescriptorResponse().GetFileDescriptorProto(), nil
	}
	return asked{
		list: func() (names []string) {
			response := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
			for _, service := range response.GetListServicesResponse().GetService() {
				names = append(names, service.GetName())
			}
			return names
		},
		symbol: func(name string) ([][]byte, error) {
			return files(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}})
		},
		file: func(name string) ([][]byte, error) {
			return files(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: name}})
		},
	}
}

func askV1Alpha(t *testing.T, at served) asked {
	t.Helper()
	stream, err := reflectionv1alpha.NewServerReflectionClient(at.conn).ServerReflectionInfo(soon(t))
	noError(t, err)
	ask := func(request *reflectionv1alpha.ServerReflectionRequest) *reflectionv1alpha.ServerReflectionResponse {
		noError(t, stream.Send(request))
		response, err := stream.Recv()
		noError(t, err)
		return response
	}
	files := func(request *reflectionv1alpha.ServerReflectionRequest) ([][]byte, error) {
		response := ask(request)
		if response.GetErrorResponse() != nil {
			return nil, errReflection
		}
		return response.GetFileDescriptorResponse().GetFileDescriptorProto(), nil
	}
	return asked{
		list: func() (names []string) {
			response := ask(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{}})
			for _, service := range response.GetListServicesResponse().GetService() {
				names = append(names, service.GetName())
			}
			return names
		},
		symbol: func(name string) ([][]byte, error) {
			return files(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}})
		},
		file: func(name string) ([][]byte, error) {
			return files(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_FileByFilename{FileByFilename: name}})
		},
	}
}

func TestReflection(t *testing.T) {
	at := reflectiveServer(t, kv.Schema{})
	for version, ask := range map[string]func(*testing.T, served) asked{"v1": askV1, "v1alpha": askV1Alpha} {
		t.Run(version, func(t *testing.T) {
			reflection := ask(t, at)
			names := reflection.list()
			for _, want := range []string{
				"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
				"plugin.GRPCBroker", "plugin.GRPCController", "plugin.GRPCStdio", "proto.KV", "rpcplugin.test.Echo",
			} {
				if !slices.Contains(names, want) {
					t.Errorf("services are %q, expected %q among them", names, want)
				}
			}
			for symbol, wantPackage := range map[string]string{
				"plugin.GRPCStdio": "plugin", "plugin.GRPCStdio.StreamStdio": "plugin", "plugin.StdioData.Channel": "plugin",
				"plugin.GRPCBroker": "plugin", "plugin.ConnInfo": "plugin", "plugin.ConnInfo.Knock": "plugin",
				"plugin.GRPCController": "plugin", "plugin.Empty": "plugin",
				"proto.KV": "proto", "proto.GetRequest": "proto",
				"rpcplugin.test.Echo": "rpcplugin.test",
			} {
				files, err := reflection.symbol(symbol)
				if err != nil {
					t.Errorf("%s: %v", symbol, err)
					continue
				}
				var file descriptorpb.FileDescriptorProto
				noError(t, proto.Unmarshal(files[0], &file))
				if file.GetPackage() != wantPackage {
					t.Errorf("%s is in package %q, expected %q", symbol, file.GetPackage(), wantPackage)
				}
				if wantPackage == "plugin" && bytes.Contains(files[0], []byte("rpcplugin.plugin.")) {
					t.Errorf("%s: its file speaks of rpcplugin.plugin", symbol)
				}
			}
			if _, err := reflection.symbol("plugin.Nothing"); !errors.Is(err, errReflection) {
				t.Errorf("plugin.Nothing: %v, expected an error", err)
			}
			if files, err := reflection.file("google/protobuf/empty.proto"); err != nil || len(files) == 0 {
				t.Errorf("empty.proto, which stdio imports: %v", err)
			}
		})
	}
}

func TestDescriptors(t *testing.T) {
	files, err := services.Descriptors()
	noError(t, err)
	found, err := files.FindDescriptorByName("plugin.ConnInfo")
	noError(t, err)
	info := found.(protoreflect.MessageDescriptor)
	if info.ParentFile().Package() != "plugin" {
		t.Errorf("package is %q", info.ParentFile().Package())
	}
	knock := info.Fields().ByName("knock")
	if knock == nil || knock.Number() != 4 || knock.Message().FullName() != "plugin.ConnInfo.Knock" {
		t.Fatalf("field knock is %v", knock)
	}
	if knock.Message().Parent() != info {
		t.Error("Knock is not nested in ConnInfo")
	}
	// Field by field what go-plugin has registered in this very process.
	for _, name := range []protoreflect.FullName{
		"plugin.ConnInfo", "plugin.ConnInfo.Knock", "plugin.StdioData", "plugin.Empty",
		"plugin.GRPCBroker", "plugin.GRPCStdio", "plugin.GRPCController",
	} {
		ours, err := files.FindDescriptorByName(name)
		noError(t, err)
		theirs, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Fatalf("go-plugin is not linked: %v", err)
		}
		if ours == theirs {
			t.Fatalf("%s is go-plugin's own", name)
		}
		if a, b := shape(ours), shape(theirs); a != b {
			t.Errorf("%s is\n%s\nand go-plugin's is\n%s", name, a, b)
		}
	}
}

// shape writes down what counts on the wire of a message or service.
func shape(d protoreflect.Descriptor) string {
	var b strings.Builder
	switch d := d.(type) {
	case protoreflect.MessageDescriptor:
		for i := range d.Fields().Len() {
			field := d.Fields().Get(i)
			b.WriteString(string(field.Name()) + " " + field.Kind().String() + " " + field.Cardinality().String() + " " + string(rune('0'+field.Number())))
			if field.Enum() != nil {
				for j := range field.Enum().Values().Len() {
					b.WriteString(" " + string(field.Enum().Values().Get(j).FullName()))
				}
			}
			if field.Message() != nil {
				b.WriteString(" " + string(field.Message().FullName()))
			}
			b.WriteString("\n")
		}
	case protoreflect.ServiceDescriptor:
		for i := range d.Methods().Len() {
			method := d.Methods().Get(i)
			b.WriteString(string(method.FullName()) + " " + string(method.Input().FullName()) + " " + string(method.Output().FullName()))
			if method.IsStreamingClient() {
				b.WriteString(" client")
			}
			if method.IsStreamingServer() {
				b.WriteString(" server")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestLinksBesideGoPlugin(t *testing.T) {
	// That this binary has started proves that nothing clashes; this, that all
	// of both sides is in it.
	for _, name := range []protoreflect.FullName{
		"plugin.ConnInfo", "rpcplugin.plugin.ConnInfo", "proto.GetRequest", "rpcplugin.kv.GetRequest",
	} {
		if _, err := protoregistry.GlobalTypes.FindMessageByName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// learning is a schema that comes to know a service later.
type learning struct {
	kv.Schema

	known bool
}

func (l *learning) ServiceNames() []string {
	if !l.known {
		return nil
	}
	return l.Schema.ServiceNames()
}

func (l *learning) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if !l.known {
		return nil, protoregistry.NotFound
	}
	return l.Schema.FindDescriptorByName(name)
}

func TestReflectionAsksSchemasAnew(t *testing.T) {
	schema := &learning{}
	reflection := askV1(t, reflectiveServer(t, schema))
	if slices.Contains(reflection.list(), kv.ServiceName) {
		t.Fatal("listed before it was known")
	}
	schema.known = true
	if names := reflection.list(); !slices.Contains(names, kv.ServiceName) {
		t.Errorf("services are %q, expected %q among them", names, kv.ServiceName)
	}
	if _, err := reflection.symbol(kv.ServiceName); err != nil {
		t.Error(err)
	}
}
