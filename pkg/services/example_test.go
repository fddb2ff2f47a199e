package services_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// connected is a gRPC server with services, and a connection to it. Programs get
// both from pkg/server and pkg/client.
func connected(register func(grpc.ServiceRegistrar)) (conn *grpc.ClientConn, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := grpc.NewServer()
	register(server)
	conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return conn, func() {
		_ = conn.Close()
		server.Stop()
		<-served
	}, nil
}

// What a plugin prints reaches its host, what was printed before it came, too.
func ExampleStdio() {
	stdio := services.NewStdio()
	conn, stop, err := connected(func(r grpc.ServiceRegistrar) { stdio.Register(r) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	fmt.Fprintln(stdio.Stdout(), "hello from the plugin")
	stdio.Close() // the host's stream ends when it has everything

	if err := services.CopyStdio(context.Background(), conn, os.Stdout, os.Stderr); err != nil {
		fmt.Println(err)
	}
	// Output: hello from the plugin
}

// The plugin serves something under a service id, and tells the host the id; the
// host dials it. The other way round is the same.
func ExampleBroker() {
	config := services.BrokerConfig{
		Listen: func(ctx context.Context) (*transport.Listener, error) {
			return transport.NewTCP(transport.TCPConfig{}).Listen(ctx)
		},
		Connect: transport.Connect,
	}
	plugin, host := services.NewBroker(config), services.NewBroker(config)
	conn, stop, err := connected(func(r grpc.ServiceRegistrar) { plugin.Register(r) })
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	ended := make(chan error, 2)
	go func() { ended <- host.Run(ctx, conn) }()
	id := plugin.NextID()
	go func() {
		ended <- plugin.Serve(ctx, id, func(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, echo{}) })
	}()

	brokered, err := host.Dial(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := testpb.NewEchoClient(brokered).Unary(ctx, &testpb.Message{Payload: []byte("through the broker")})
	fmt.Printf("service %d: %s %v\n", id, answer.GetPayload(), err)

	_ = brokered.Close()
	plugin.Close()
	host.Close()
	fmt.Println(<-ended, <-ended)
	stop()
	// Output:
	// service 1: through the broker <nil>
	// <nil> <nil>
}

// A host pings a plugin, and may ask for what the plugin itself depends on.
func ExampleHealth() {
	health := services.NewHealth(map[string]func(context.Context) error{
		"database": func(context.Context) error { return status.Error(codes.Unavailable, "the database is gone") },
	})
	conn, stop, err := connected(func(r grpc.ServiceRegistrar) { health.Register(r) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	ctx := context.Background()
	fmt.Println(services.Ping(ctx, conn))
	fmt.Println(services.CheckHealth(ctx, conn, "database"))
	health.Close() // the plugin stops
	fmt.Println(services.Ping(ctx, conn))
	// Output:
	// <nil>
	// rpc error: code = Unavailable desc = the database is gone
	// plugin's health is "NOT_SERVING", expected "SERVING"
}

// A host asks its plugin to stop.
func ExampleController() {
	asked := make(chan struct{})
	controller := services.NewController(func() { close(asked) })
	conn, stop, err := connected(func(r grpc.ServiceRegistrar) { controller.Register(r) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	fmt.Println(services.Shutdown(context.Background(), conn))
	<-asked
	// Output: <nil>
}
