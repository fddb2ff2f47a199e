package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// playGoPlugin is a plugin as go-plugin's users write them. text lists its
// versions.
func playGoPlugin(text string) int {
	config := &plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		VersionedPlugins: make(map[int]plugin.PluginSet),
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	}
	for version := range strings.SplitSeq(text, ",") {
		number, err := strconv.Atoi(version)
		if err != nil {
			return 98
		}
		config.VersionedPlugins[number] = plugin.PluginSet{"echo": pluginHalf{}}
	}
	plugin.Serve(config)
	return 0
}

// pluginHalf is the plugin's side of a plugin.
type pluginHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (pluginHalf) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no host")
}

func (pluginHalf) GRPCServer(broker *plugin.GRPCBroker, s *grpc.Server) error {
	kv.NewStore(os.Getenv("KV_DIR")).Register(s)
	testpb.RegisterEchoServer(s, &echo{
		print: func(stdout, stderr string) error {
			_, outErr := io.WriteString(os.Stdout, stdout)
			_, errErr := io.WriteString(os.Stderr, stderr)
			return errors.Join(outErr, errErr)
		},
		serve: func() uint32 {
			id := broker.NextId()
			accepts := make(chan struct{}) // before, go-plugin would answer a knock and have no listener
			go broker.AcceptAndServe(id, func(opts []grpc.ServerOption) *grpc.Server {
				defer close(accepts)
				brokered := grpc.NewServer(opts...)
				testpb.RegisterEchoServer(brokered, &echo{})
				return brokered
			})
			select {
			case <-accepts:
			case <-time.After(patience):
			}
			return id
		},
		dial: func(_ context.Context, id uint32) (*grpc.ClientConn, error) { return broker.Dial(id) },
	})
	return nil
}

// playOurs is a plugin made with pkg/server. text is its network.
func playOurs(text string) int {
	err := server.Serve(context.Background(), server.Config{
		Cookie:  kv.Cookie(),
		Network: text,
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			kv.NewStore(os.Getenv("KV_DIR")).Register(r)
			testpb.RegisterEchoServer(r, ownEcho(s))
			return nil
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

// ownEcho is the service of a plugin made with pkg/server.
func ownEcho(s *server.Server) *echo {
	return &echo{
		print: func(stdout, stderr string) error {
			_, outErr := io.WriteString(s.Stdio().Stdout(), stdout)
			_, errErr := io.WriteString(s.Stdio().Stderr(), stderr)
			return errors.Join(outErr, errErr)
		},
		serve: func() uint32 {
			id := s.Broker().NextID()
			go func() {
				_ = s.Broker().Serve(context.Background(), id, func(r grpc.ServiceRegistrar) {
					testpb.RegisterEchoServer(r, &echo{})
				})
			}()
			return id
		},
		dial: func(ctx context.Context, id uint32) (*grpc.ClientConn, error) { return s.Broker().Dial(ctx, id) },
	}
}

// forever waits for a signal that ends the process.
func forever() int { select {} }

// playPrinter prints text and does nothing more, but ends for SIGTERM.
func playPrinter(text string) int {
	_, _ = io.WriteString(os.Stdout, text)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	<-term
	return 0
}

// playSpeaker prints text and ends.
func playSpeaker(text string) int {
	_, _ = io.WriteString(os.Stdout, text)
	return 0
}

// playExit ends with a status and last words.
func playExit(text string) int {
	fmt.Fprintln(os.Stderr, "first words")
	fmt.Fprintln(os.Stderr, "it is all over")
	status, _ := strconv.Atoi(text)
	return status
}

// playMute closes its stdout without a line.
func playMute(string) int {
	_ = os.Stdout.Close()
	return playPrinter("")
}

// playSuicide dies of a signal.
func playSuicide(string) int {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		return 97
	}
	return forever()
}

// here listens where the host wants it and returns the line for it, without
// its end.
func here(certificate []byte) (net.Listener, string) {
	listener, err := net.Listen("unix", filepath.Join(os.Getenv(handshake.EnvUnixSocketDir), "p"))
	if err != nil {
		os.Exit(96)
	}
	line := handshake.Line{
		CoreVersion: 1, AppVersion: 1, Network: "unix", Address: listener.Addr().String(), Protocol: "grpc", Certificate: certificate,
	}
	text, err := line.Format()
	if err != nil {
		os.Exit(95)
	}
	return listener, text
}

// playPlain says that it has TLS, and has not.
func playPlain(string) int {
	pair, err := pki.NewPair()
	if err != nil {
		return 98
	}
	listener, line := here(pair.DER())
	return playServer(listener, line+"\n")
}

// playImpostor announces another certificate than it shows.
func playImpostor(string) int {
	announced, err := pki.NewPair()
	if err != nil {
		return 98
	}
	shown, err := pki.NewPair()
	if err != nil {
		return 98
	}
	host, err := pki.ParsePEM(os.Getenv(handshake.EnvClientCert))
	if err != nil {
		return 97
	}
	listener, line := here(announced.DER())
	return playServer(listener, line+"\n", grpc.Creds(credentials.NewTLS(shown.ServerTLS(host))))
}

// playDeserter takes the connection, and dies in the TLS handshake.
func playDeserter(string) int {
	own, err := pki.NewPair()
	if err != nil {
		return 98
	}
	listener, line := here(own.DER())
	fmt.Println(line)
	if _, err := listener.Accept(); err != nil {
		return 97
	}
	fmt.Fprintln(os.Stderr, "cannot find the library libfoo.so")
	return 7
}

// playSuspicious takes nobody's certificate.
func playSuspicious(string) int {
	own, err := pki.NewPair()
	if err != nil {
		return 98
	}
	other, err := pki.NewPair()
	if err != nil {
		return 98
	}
	listener, line := here(own.DER())
	return playServer(listener, line+"\n", grpc.Creds(credentials.NewTLS(own.ServerTLS(other.Certificate()))))
}

// playServer serves nothing but health.
func playServer(listener net.Listener, line string, opts ...grpc.ServerOption) int {
	s := grpc.NewServer(opts...)
	services.NewHealth(nil).Register(s)
	_, _ = io.WriteString(os.Stdout, line)
	if s.Serve(listener) != nil {
		return 94
	}
	return 0
}

// playBare is a plugin without a single service.
func playBare(string) int {
	listener, line := here(nil)
	_, _ = io.WriteString(os.Stdout, line+"\n")
	if grpc.NewServer().Serve(listener) != nil {
		return 94
	}
	return 0
}

// playNoNewline ends its line by closing stdout.
func playNoNewline(string) int {
	listener, line := here(nil)
	s := grpc.NewServer()
	services.NewHealth(nil).Register(s)
	_, _ = io.WriteString(os.Stdout, line)
	_ = os.Stdout.Close()
	if s.Serve(listener) != nil {
		return 94
	}
	return 0
}

// playListener listens, and answers nobody.
func playListener(string) int {
	listener, line := here(nil)
	defer listener.Close()
	return playPrinter(line + "\n")
}

// playStubborn never answers Shutdown and ends for no signal but SIGKILL.
func playStubborn(string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	listener, line := here(nil)
	s := grpc.NewServer()
	services.NewController(func() { forever() }).Register(s)
	_, _ = io.WriteString(os.Stdout, line+"\n")
	if s.Serve(listener) != nil {
		return 94
	}
	return forever()
}

// playDeaf answers Shutdown and does not care.
func playDeaf(string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	listener, line := here(nil)
	s := grpc.NewServer()
	services.NewController(func() {}).Register(s)
	_, _ = io.WriteString(os.Stdout, line+"\n")
	if s.Serve(listener) != nil {
		return 94
	}
	return forever()
}

// playParent is one of ours with a child that holds its pipes.
func playParent(text string) int {
	if !bearHolder(text) {
		return 93
	}
	return playOurs("")
}

// playGoPluginsParent is one of go-plugin's with a child that holds its pipes.
func playGoPluginsParent(text string) int {
	if !bearHolder(text) {
		return 93
	}
	return playGoPlugin("1")
}

// bearHolder starts a child that inherits this process's stdout and stderr,
// leaves its group, and outlives it.
func bearHolder(text string) bool {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), roleVariable+"=holder", textVariable+"="+text)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	leaveGroup(child)
	return child.Start() == nil
}

// playHolder lives until the test hangs up the connection to it.
func playHolder(text string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	conn, err := net.Dial("unix", text)
	if err != nil {
		return 92
	}
	_, _ = io.Copy(io.Discard, conn)
	return 0
}
