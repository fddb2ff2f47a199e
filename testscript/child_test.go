package testscript_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// child [MODE] is a program behind the bridge: a gRPC server that knows no
// handshake and no TLS. MODE is
//
//	early    last words on stderr, then it ends with status 4
//	deaf     it never listens
//	late     it listens after a second
//	mute     it serves without reflection
//	environ  the variables that its further arguments name, on stderr, then it
//	         ends with status 4
//
// and anything else is an argument that means nothing.
func child() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	fmt.Println("the child says this on stdout")
	fmt.Fprintln(os.Stderr, "WARNING:notes:the child says this on stderr")
	switch mode {
	case "early":
		fmt.Fprintln(os.Stderr, "cannot reach the database")
		os.Exit(4)
	case "environ":
		for _, name := range os.Args[2:] {
			value, set := os.LookupEnv(name)
			fmt.Fprintf(os.Stderr, "%s set %t %q\n", name, set, value)
		}
		os.Exit(4)
	case "late":
		<-time.After(time.Second)
	case "deaf":
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	network, address := "tcp", os.Getenv("RPCPLUGIN_CHILD_ADDRESS")
	if path, found := strings.CutPrefix(address, "unix:"); found {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		fail(err)
	}
	server := grpc.NewServer()
	testpb.RegisterEchoServer(server, echo{})
	if mode != "mute" {
		reflection.Register(server)
	}
	if err := server.Serve(listener); err != nil {
		fail(err)
	}
}
