package schema_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A Source is good enough for the reflection of a plugin.
var _ services.Schema = schema.Source(nil)

func TestLoadBuiltIn(t *testing.T) {
	for _, name := range []string{"tfplugin5", "tfplugin6"} {
		set, err := schema.Load(name)
		noError(t, err)
		if names := set.ServiceNames(); !slices.Contains(names, name+".Provider") {
			t.Errorf("%s has the services %q", name, names)
		}
		if _, err := set.FindDescriptorByName("tfplugin0.Provider"); !errors.Is(err, protoregistry.NotFound) {
			t.Errorf("a service that is not there: %v", err)
		}
	}
}

// setOf writes a descriptor set of files.
func setOf(t *testing.T, files ...*descriptorpb.FileDescriptorProto) string {
	t.Helper()
	data, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: files})
	noError(t, err)
	path := filepath.Join(t.TempDir(), "set.binpb")
	noError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestLoadFile(t *testing.T) {
	echo := protodesc.ToFileDescriptorProto(testpb.File_rpcplugin_test_test_proto)
	set, err := schema.Load(setOf(t, echo))
	noError(t, err)
	if names := set.ServiceNames(); !slices.Equal(names, []string{"rpcplugin.test.Echo"}) {
		t.Errorf("services are %q", names)
	}
	stdio := protodesc.ToFileDescriptorProto(pluginpb.File_rpcplugin_plugin_grpc_stdio_proto)
	garbage := filepath.Join(t.TempDir(), "garbage")
	noError(t, os.WriteFile(garbage, []byte("syntax = \"proto3\";"), 0o600))
	nothing := filepath.Join(t.TempDir(), "nothing")
	noError(t, os.WriteFile(nothing, nil, 0o600))
	for name, test := range map[string]struct{ path, want string }{
		"not there":             {"tfplugin7", "tfplugin5, tfplugin6"},
		"text":                  {garbage, "no descriptor set"},
		"empty":                 {nothing, "no descriptor set"},
		"a directory":           {t.TempDir(), "directory"},
		"imports not in it":     {setOf(t, stdio), "--include_imports"},
		"the same file in full": {setOf(t, echo, echo), "descriptor set"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := schema.Load(test.path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, expected %q in it", err, test.want)
			}
		})
	}
}

// serve serves what register adds and returns a connection.
func serve(t *testing.T, register func(*grpc.Server)) (*grpc.ClientConn, *grpc.Server) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	server := grpc.NewServer()
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	noError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return conn, server
}

func reflectAll(s *grpc.Server) {
	testpb.RegisterEchoServer(s, testpb.UnimplementedEchoServer{})
	services.NewStdio().Register(s)
	services.RegisterReflection(s)
}

// soon is a context that ends a test that hangs.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestReflect(t *testing.T) {
	for name, register := range map[string]func(*grpc.Server){
		"v1 and v1alpha": reflectAll,
		"v1alpha only": func(s *grpc.Server) {
			testpb.RegisterEchoServer(s, testpb.UnimplementedEchoServer{})
			reflectionv1alpha.RegisterServerReflectionServer(s, reflection.NewServer(reflection.ServerOptions{Services: s}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := serve(t, register)
			source, err := schema.Reflect(soon(t), conn)
			noError(t, err)
			defer source.Close()
			if names := source.ServiceNames(); !slices.Contains(names, "rpcplugin.test.Echo") || !slices.IsSorted(names) {
				t.Errorf("services are %q", names)
			}
			method, err := schema.Method([]schema.Source{source}, "rpcplugin.test.Echo/Bidi")
			noError(t, err)
			if !method.IsStreamingClient() || !method.IsStreamingServer() || method.Input().FullName() != "rpcplugin.test.Message" {
				t.Errorf("method is %v", method)
			}
			if file, err := source.FindFileByPath(method.ParentFile().Path()); err != nil || file.Package() != "rpcplugin.test" {
				t.Errorf("its file: %v, %v", file, err)
			}
			// So that the reflection of a plugin goes on to its next source.
			if _, err := source.FindDescriptorByName("no.Such"); !errors.Is(err, protoregistry.NotFound) {
				t.Errorf("a symbol that is not there: %v, expected %v", err, protoregistry.NotFound)
			}
			if _, err := source.FindFileByPath("no/such.proto"); !errors.Is(err, protoregistry.NotFound) {
				t.Errorf("a file that is not there: %v, expected %v", err, protoregistry.NotFound)
			}
		})
	}
}

// Here go-plugin, which registers these names globally, is not linked.
func TestReflectGoPluginsServices(t *testing.T) {
	conn, _ := serve(t, reflectAll)
	source, err := schema.Reflect(soon(t), conn)
	noError(t, err)
	defer source.Close()
	for _, name := range []string{services.StdioName, services.BrokerName, services.ControllerName} {
		service, err := schema.Service([]schema.Source{source}, name)
		noError(t, err)
		if service.ParentFile().Package() != "plugin" {
			t.Errorf("%s is in package %q", name, service.ParentFile().Package())
		}
	}
}

func TestReflectWithout(t *testing.T) {
	conn, server := serve(t, func(*grpc.Server) {})
	if _, err := schema.Reflect(soon(t), conn); status.Code(err) != codes.Unimplemented {
		t.Errorf("without reflection: %v, expected Unimplemented", err)
	}
	server.Stop()
	if _, err := schema.Reflect(soon(t), conn); status.Code(err) != codes.Unavailable {
		t.Errorf("without a server: %v, expected Unavailable", err)
	}
}

func TestMethod(t *testing.T) {
	terraform, err := schema.Load("tfplugin6")
	noError(t, err)
	echo, err := schema.Load(setOf(t, protodesc.ToFileDescriptorProto(testpb.File_rpcplugin_test_test_proto)))
	noError(t, err)
	sources := []schema.Source{echo, terraform}
	for _, name := range []string{
		"rpcplugin.test.Echo/Unary", "/rpcplugin.test.Echo/Unary", "rpcplugin.test.Echo.Unary",
		"tfplugin6.Provider/GetProviderSchema", "tfplugin6.Provider.GetProviderSchema",
	} {
		method, err := schema.Method(sources, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", ".")
		if string(method.FullName()) != want {
			t.Errorf("%s is %s", name, method.FullName())
		}
	}
	for _, test := range []struct {
		name, want string
		unknown    bool
	}{
		{"rpcplugin.test.Echo/None", "Unary, Server, Client, Bidi", true},
		{"no.Service/Method", `"no.Service"`, true},
		{"rpcplugin.test.Message/Method", `"rpcplugin.test.Message"`, true}, // a message, no service
		{"Method", "package.Service/Method", false},
		{"", "package.Service/Method", false},
		{"/", "package.Service/Method", false},
		{"rpcplugin.test.Echo/", "package.Service/Method", false},
	} {
		_, err := schema.Method(sources, test.name)
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, schema.ErrUnknown) != test.unknown {
			t.Errorf("%q: error %v, expected %q in it", test.name, err, test.want)
		}
	}
}

func TestServiceWhenASourceIsLost(t *testing.T) {
	conn, server := serve(t, reflectAll)
	source, err := schema.Reflect(soon(t), conn)
	noError(t, err)
	defer source.Close()
	server.Stop()
	_, err = schema.Service([]schema.Source{source}, "rpcplugin.test.Echo")
	if err == nil || errors.Is(err, schema.ErrUnknown) {
		t.Errorf("error %v, expected that of the connection", err)
	}
	// Another source may still know it.
	echo, err := schema.Load(setOf(t, protodesc.ToFileDescriptorProto(testpb.File_rpcplugin_test_test_proto)))
	noError(t, err)
	if _, err := schema.Service([]schema.Source{source, echo}, "rpcplugin.test.Echo"); err != nil {
		t.Error(err)
	}
}
