//go:build unix

package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// listed is what the bridge's reflection lists, and how long it took.
func listed(t *testing.T, r *rig) ([]protoreflect.FullName, time.Duration) {
	t.Helper()
	began := time.Now()
	client := grpcreflect.NewClientAuto(t.Context(), r.conn)
	defer client.Reset()
	names, err := client.ListServices()
	if err != nil {
		t.Fatal(err)
	}
	return names, time.Since(began)
}

func TestReflectionIsTheUnion(t *testing.T) {
	for _, version := range []string{"v1", "v1alpha"} {
		t.Run(version, func(t *testing.T) {
			static, err := schema.Load("tfplugin6")
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, childConfig{Reflection: version}, func(c *bridge.Config) {
				c.Server.Schemas = []services.Schema{static}
			})
			names, took := listed(t, r)
			t.Logf("listed after %s", took)
			for _, want := range []protoreflect.FullName{
				onlyChild, "rpcplugin.test.Echo", "tfplugin6.Provider", services.BrokerName, services.StdioName,
				services.ControllerName, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
			} {
				if !slices.Contains(names, want) {
					t.Errorf("%s is not in %q", want, names)
				}
			}
			if slices.Sort(names); len(slices.Compact(names)) != len(names) {
				t.Errorf("listed twice: %q", names)
			}
			client := grpcreflect.NewClientAuto(t.Context(), r.conn)
			defer client.Reset()
			for _, service := range []protoreflect.FullName{onlyChild, "tfplugin6.Provider", services.ControllerName} {
				file, err := client.FileContainingSymbol(service)
				if err != nil || file.Services().ByName(service.Name()) == nil {
					t.Errorf("%s: %v", service, err)
				}
			}
			if file, err := client.FileByFilename("only/child.proto"); err != nil || file.Package() != "only.child" {
				t.Errorf("only/child.proto: %v", err)
			}
			if _, err := client.FileContainingSymbol("no.such.Thing"); err == nil {
				t.Error("no.such.Thing is there")
			}
		})
	}
}

// A child without reflection has nothing to add, and costs no time.
func TestReflectionWithoutTheChild(t *testing.T) {
	r := newRig(t, childConfig{})
	if _, err := r.Unary(t.Context(), &testpb.Message{}); err != nil {
		t.Fatal(err)
	}
	names, took := listed(t, r)
	if slices.Contains(names, onlyChild) || !slices.Contains(names, services.BrokerName) {
		t.Errorf("listed: %q", names)
	}
	if took > time.Second {
		t.Errorf("took %s", took)
	}
}

// A dead child is not waited for, and one that hangs not for long.
func TestReflectionIsBounded(t *testing.T) {
	r := newRig(t, childConfig{Reflection: "hung"})
	if _, err := r.Unary(t.Context(), &testpb.Message{}); err != nil {
		t.Fatal(err)
	}
	names, took := listed(t, r)
	t.Logf("with a child that hangs: %s", took)
	if !slices.Contains(names, services.BrokerName) || took > 8*time.Second {
		t.Errorf("after %s: %q", took, names)
	}
	if _, err := r.Unary(asking(t.Context(), "exit"), &testpb.Message{}); err == nil {
		t.Fatal("the child lives")
	}
	if names, took = listed(t, r); !slices.Contains(names, services.BrokerName) || took > time.Second {
		t.Errorf("after the death, %s: %q", took, names)
	}
}
