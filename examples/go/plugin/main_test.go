package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/examples/grpc/shared"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

const roleVariable = "EXAMPLE_TEST_ROLE"

// The test binary is the plugin when it finds its role in its environment.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// go-plugin's own example uses it.
func TestGoPluginHost(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), roleVariable+"=plugin", "GORACE=atexit_sleep_ms=0")
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: shared.Handshake, Plugins: shared.PluginMap, Cmd: command, AutoMTLS: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer host.Kill()
	protocol, err := host.Client()
	noError(t, err)
	raw, err := protocol.Dispense(shared.PluginGRPC)
	noError(t, err)
	store := raw.(shared.KV)
	noError(t, store.Put("greeting", []byte("hello")))
	if value, err := store.Get("greeting"); err != nil || string(value) != "hello" {
		t.Errorf("got %q, %v", value, err)
	}
}

func TestOurHost(t *testing.T) {
	for version, missing := range map[int]codes.Code{1: codes.OK, 2: codes.NotFound} {
		var stdout bytes.Buffer
		host, err := client.Start(soon(t), client.Config{
			Command: []string{os.Args[0]}, Env: []string{roleVariable + "=plugin", "GORACE=atexit_sleep_ms=0"}, Cookie: cookie(),
			Dir: t.TempDir(), AppVersions: []int{version}, Stdout: &stdout,
		})
		noError(t, err)
		defer host.Close(t.Context())
		noError(t, host.Conn().Invoke(soon(t), "/proto.KV/Put", &kvpb.PutRequest{Key: "k", Value: []byte("v")}, &kvpb.Empty{}))
		err = host.Conn().Invoke(soon(t), "/proto.KV/Get", &kvpb.GetRequest{Key: "other"}, &kvpb.GetResponse{})
		if status.Code(err) != missing {
			t.Errorf("version %d: a missing key: %v, expected %s", version, err, missing)
		}
		err = host.Conn().Invoke(soon(t), "/proto.KV/Get", &kvpb.GetRequest{Key: "../k"}, &kvpb.GetResponse{})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("version %d: a path: %v", version, err)
		}
		noError(t, host.Close(soon(t)))
		if got, want := stdout.String(), "stored 1 bytes under \"k\"\n"; got != want {
			t.Errorf("version %d printed %q, expected %q", version, got, want)
		}
	}
}

// How an author tests a plugin: in the test's process.
func TestPlugin(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	at, ended, err := server.ServeTest(ctx, config())
	noError(t, err)
	host, err := client.Attach(soon(t), client.Config{}, at)
	noError(t, err)
	noError(t, host.Conn().Invoke(soon(t), "/proto.KV/Put", &kvpb.PutRequest{Key: "k", Value: []byte("v")}, &kvpb.Empty{}))
	var reply kvpb.GetResponse
	noError(t, host.Conn().Invoke(soon(t), "/proto.KV/Get", &kvpb.GetRequest{Key: "k"}, &reply))
	if string(reply.GetValue()) != "v" {
		t.Errorf("got %q", reply.GetValue())
	}
	noError(t, host.Close(soon(t)))
	cancel()
	noError(t, <-ended)
}
