package transport_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// A plugin listens on the network that both sides have, and says where.
func Example() {
	network, err := transport.Negotiate([]string{transport.NetworkUnix, transport.NetworkTCP}, []string{"tcp"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var plugin transport.Transport = transport.NewUnix(transport.UnixConfig{})
	if network == transport.NetworkTCP {
		plugin = transport.NewTCP(transport.TCPConfig{})
	}
	defer func() { _ = plugin.Close() }()

	listener, err := plugin.Listen(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := plugin.Connect(context.Background(), listener.Endpoint())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	fmt.Println(listener.Endpoint().Network, conn.RemoteAddr().String() == listener.Endpoint().String())
	// Output: tcp true
}

func ExampleParseEndpoint() {
	for _, s := range []string{"unix:///run/p.sock", "tcp://127.0.0.1:1234", "127.0.0.1"} {
		endpoint, err := transport.ParseEndpoint(s)
		var problem *transport.Error
		if errors.As(err, &problem) {
			fmt.Println(problem.Reason, problem.Found)
			continue
		}
		fmt.Println(endpoint.Network, endpoint, endpoint.Target())
	}
	// Output:
	// unix /run/p.sock unix:/run/p.sock
	// tcp 127.0.0.1:1234 127.0.0.1:1234
	// address 127.0.0.1
}
