package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

// examplePlugin is the configuration of a key-value plugin: this program
// itself, in another role. Usually Command and Cookie are all there is to say.
func examplePlugin() client.Config {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	return client.Config{
		Command: []string{self},
		Cookie:  handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"},
		Env:     []string{roleVariable + "=ours", "KV_DIR=" + os.TempDir(), "GORACE=atexit_sleep_ms=0"},
	}
}

// Start a plugin, call it, and stop it.
func ExampleStart() {
	ctx := context.Background()
	plugin, err := client.Start(ctx, examplePlugin())
	if err != nil {
		log.Fatal(err)
	}
	defer plugin.Close(ctx)

	// Conn is an ordinary gRPC connection: generated clients take it as well.
	key := fmt.Sprint("example-", os.Getpid())
	defer os.Remove(os.TempDir() + "/kv_" + key)
	if err := plugin.Conn().Invoke(ctx, "/proto.KV/Put", &kvpb.PutRequest{Key: key, Value: []byte("world")}, &kvpb.Empty{}); err != nil {
		log.Fatal(err)
	}
	var reply kvpb.GetResponse
	if err := plugin.Conn().Invoke(ctx, "/proto.KV/Get", &kvpb.GetRequest{Key: key}, &reply); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("hello %s\n", reply.GetValue())
	fmt.Println("the plugin is", plugin.State())
	// Output:
	// hello world
	// the plugin is ready
}

// Watch a plugin from its start to its end, and see what was counted.
func ExampleTrace() {
	ctx := context.Background()
	cfg := examplePlugin()
	cfg.Trace = &client.Trace{
		Line:        func(i client.LineInfo) { fmt.Println("it listens on", i.Line.Network) },
		StateChange: func(s client.State) { fmt.Println("it is", s) },
		CallDone:    func(i client.CallInfo) { fmt.Println(i.Method, "ended with", i.Code) },
	}
	plugin, err := client.Start(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	_ = plugin.Conn().Invoke(ctx, "/proto.KV/Get", &kvpb.GetRequest{Key: "never-put"}, &kvpb.GetResponse{})
	if err := plugin.Close(ctx); err != nil {
		log.Fatal(err)
	}
	calls := plugin.Metrics().Calls
	fmt.Println("calls:", calls.Started, "failed:", calls.Failed, calls.ByCode)
	// Output:
	// it listens on unix
	// it is ready
	// /proto.KV/Get ended with NotFound
	// it is stopping
	// it is exited
	// calls: 1 failed: 1 map[NotFound:1]
}

// Keep a plugin running: when it dies, the next Client is a new process.
func ExampleSupervise() {
	ctx := context.Background()
	supervisor := client.Supervise(examplePlugin(), client.Restart{Attempts: 3, Initial: 10 * time.Millisecond})
	defer supervisor.Close(ctx)

	plugin, err := supervisor.Client(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if process, err := os.FindProcess(plugin.Pid()); err == nil {
		_ = process.Kill()
	}
	<-plugin.Exited()

	plugin, err = supervisor.Client(ctx) // waits for the restart
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ping:", plugin.Ping(ctx))
	fmt.Println("restarts:", plugin.Metrics().Restarts)
	// Output:
	// ping: <nil>
	// restarts: 1
}
