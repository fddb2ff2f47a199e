package pki_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// The tests here have the real go-plugin at the other end, in a process of its
// own: the test binary, started with interopRole set.
const interopRole = "PKI_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(interopRole) {
	case "":
		os.Exit(m.Run())
	case "our plugin":
		if err := servePlugin(os.Getenv("PKI_TEST_SOCKET")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "their plugin":
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig: interopHandshake(),
			Plugins:         goplugin.PluginSet{"none": noPlugin{}},
			GRPCServer:      goplugin.DefaultGRPCServer,
			Logger:          hclog.NewNullLogger(),
		})
	}
}

func interopHandshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "PKI_TEST_COOKIE", MagicCookieValue: "c"}
}

// noPlugin serves nothing but what every plugin does.
type noPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (noPlugin) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (noPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// servePlugin is the least that a host pings, behind this package's TLS. It ends
// when the host kills it.
func servePlugin(socket string) error {
	host, err := pki.ParsePEM(os.Getenv("PLUGIN_CLIENT_CERT"))
	if err != nil {
		return err
	}
	pair, err := pki.NewPair()
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(pair.ServerTLS(host))))
	status := health.NewServer()
	status.SetServingStatus("plugin", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, status)
	if _, err := fmt.Fprintf(os.Stdout, "1|1|unix|%s|grpc|%s\n", socket, pki.EncodeField(pair.DER())); err != nil {
		return err
	}
	return server.Serve(listener)
}

// self returns the test binary as a command in a role. It lives no longer than
// the test.
func self(t *testing.T, role string, environ ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env = append(os.Environ(), append(environ, interopRole+"="+role)...)
	return cmd
}

func TestHostOfGoPlugin(t *testing.T) {
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  interopHandshake(),
		Plugins:          goplugin.PluginSet{"none": noPlugin{}},
		Cmd:              self(t, "our plugin", "PKI_TEST_SOCKET="+filepath.Join(t.TempDir(), "s")),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := protocol.Ping(); err != nil {
		t.Errorf("the host cannot talk to us: %v", err)
	}
}

func TestPluginOfGoPlugin(t *testing.T) {
	pair := newPair(t)
	stdout, stdoutEnd, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdout.Close() }()
	cmd := self(t, "their plugin", "PKI_TEST_COOKIE=c", "PLUGIN_CLIENT_CERT="+pair.PEM())
	cmd.Stdout = stdoutEnd
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = stdoutEnd.Close()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 6 {
		t.Fatalf("got the line %q", line)
	}
	defer func() { _ = os.Remove(fields[3]) }()
	plugin, err := pki.DecodeField(fields[5])
	if err != nil {
		t.Fatal(err)
	}
	if err := checkHealth(t, fields[3], pair.ClientTLS(plugin)); err != nil {
		t.Errorf("we cannot talk to the plugin: %v", err)
	}
	if err := checkHealth(t, fields[3], newPair(t).ClientTLS(plugin)); err == nil {
		t.Error("the plugin takes a certificate it was not told of: the test shows nothing")
	}
}

// checkHealth asks the plugin whether it serves.
func checkHealth(t *testing.T, socket string, config *tls.Config) error {
	t.Helper()
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	request := &healthpb.HealthCheckRequest{Service: "plugin"}
	answer, err := healthpb.NewHealthClient(connection).Check(t.Context(), request)
	if err == nil && answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return io.ErrUnexpectedEOF
	}
	return err
}
