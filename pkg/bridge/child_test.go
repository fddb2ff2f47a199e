//go:build unix

package bridge_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// childConfig is how the child behaves. The zero value listens at once and
// serves without reflection.
type childConfig struct {
	StderrFirst  []string
	StdoutFirst  string
	ExitFirst    bool // with status 7
	ListenAfter  time.Duration
	NeverListen  bool
	ChmodAfter   time.Duration // from listening; like servers that chmod their socket
	ServeAfter   time.Duration // from listening
	NoGRPC       bool          // answers as a web server does
	IgnoreTerm   bool
	Grandchild   bool
	MaxAge       time.Duration // of connections
	CutOld       bool          // MaxAge cuts calls that still run
	DefaultLimit bool          // leaves gRPC's 4 MiB
	Reflection   string        // "", "v1", "v1alpha", "hung"
}

func runChild(cfg childConfig) int {
	for _, line := range cfg.StderrFirst {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprint(os.Stdout, cfg.StdoutFirst)
	if cfg.ExitFirst {
		<-time.After(cfg.ListenAfter)
		return 7
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	if cfg.IgnoreTerm {
		signal.Ignore(syscall.SIGTERM)
	}
	service := &echo{}
	if cfg.Grandchild {
		service.grandchild = startGrandchild()
	}
	if cfg.NeverListen {
		<-ended
		return 0
	}
	<-time.After(cfg.ListenAfter)
	listener, err := childListen()
	if err != nil {
		fmt.Fprintln(os.Stderr, "[ERROR]", err)
		return 2
	}
	if cfg.ChmodAfter > 0 {
		<-time.After(cfg.ChmodAfter)
		if err := os.Chmod(os.Getenv(bridge.EnvChildSocket), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "[ERROR]", err)
			return 2
		}
	}
	if cfg.NoGRPC {
		return serveWeb(listener)
	}
	<-time.After(cfg.ServeAfter)
	server := grpc.NewServer(cfg.options()...)
	testpb.RegisterEchoServer(server, service)
	registerReflection(server, cfg.Reflection)
	go func() {
		<-ended
		fmt.Fprintln(os.Stderr, "[INFO] asked to end")
		server.Stop()
	}()
	if err := server.Serve(listener); err != nil {
		fmt.Fprintln(os.Stderr, "[ERROR]", err)
		return 2
	}
	return 0
}

func (cfg childConfig) options() []grpc.ServerOption {
	var options []grpc.ServerOption
	if !cfg.DefaultLimit {
		options = append(options, grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
	}
	if cfg.MaxAge > 0 {
		age := keepalive.ServerParameters{MaxConnectionAge: cfg.MaxAge}
		if cfg.CutOld {
			age.MaxConnectionAgeGrace = time.Millisecond
		}
		options = append(options, grpc.KeepaliveParams(age))
	}
	return options
}

// childListen listens where the bridge says.
func childListen() (net.Listener, error) {
	if path, found := os.LookupEnv(bridge.EnvChildSocket); found {
		return net.Listen("unix", path)
	}
	address := os.Getenv(bridge.EnvChildAddress)
	if strings.HasPrefix(address, "unix:") {
		return nil, fmt.Errorf("%s is %q and %s is not set", bridge.EnvChildAddress, address, bridge.EnvChildSocket)
	}
	return net.Listen("tcp", address)
}

// serveWeb answers every connection with what is no HTTP/2.
func serveWeb(listener net.Listener) int {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 2
		}
		_, _ = io.ReadFull(conn, make([]byte, len(http2.ClientPreface)))
		fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		conn.Close()
	}
}

// startGrandchild starts a process that ends for nothing but SIGKILL and holds
// the child's standard files.
func startGrandchild() int {
	cmd := exec.CommandContext(context.Background(), self())
	cmd.Env = append(os.Environ(), roleKey+"=grandchild")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd.Process.Pid
}
