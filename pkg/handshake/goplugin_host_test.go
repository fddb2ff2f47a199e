package handshake_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// The other side of each test here is go-plugin itself.

var testCookie = handshake.Cookie{Key: "HANDSHAKE_TEST_COOKIE", Value: "a cookie"}

type noPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (noPlugin) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (noPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return struct{}{}, nil
}

// pluginSets are go-plugin's plugins for some app versions.
func pluginSets(versions ...int) map[int]goplugin.PluginSet {
	sets := make(map[int]goplugin.PluginSet)
	for _, v := range versions {
		sets[v] = goplugin.PluginSet{"none": noPlugin{}}
	}
	return sets
}

// printer is a plugin process that is none: it prints a line and lives until
// it is killed.
type printer struct {
	outR, errR *io.PipeReader
	outW, errW *io.PipeWriter
	line       string
	env        []string
	written    sync.WaitGroup
}

func newPrinter(line string, env []string) *printer {
	p := &printer{line: line, env: env}
	p.outR, p.outW = io.Pipe()
	p.errR, p.errW = io.Pipe()
	return p
}

func (p *printer) Start(context.Context) error {
	p.written.Go(func() { _, _ = io.WriteString(p.outW, p.line+"\n") })
	return nil
}

func (p *printer) Kill(context.Context) error {
	_ = p.outW.Close()
	_ = p.errW.Close()
	return nil
}

func (p *printer) Wait(context.Context) error      { p.written.Wait(); return nil }
func (p *printer) Stdout() io.ReadCloser           { return p.outR }
func (p *printer) Stderr() io.ReadCloser           { return p.errR }
func (p *printer) Name() string                    { return "printer" }
func (p *printer) ID() string                      { return "0" }
func (p *printer) Diagnose(context.Context) string { return "" }

func (p *printer) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (p *printer) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// host starts a go-plugin host on a printed line. It returns the address it
// found, its verdict, and the environment it set.
func host(t *testing.T, line string, config goplugin.ClientConfig) (net.Addr, *goplugin.Client, []string, error) {
	t.Helper()
	var p *printer
	config.HandshakeConfig = goplugin.HandshakeConfig{MagicCookieKey: testCookie.Key, MagicCookieValue: testCookie.Value}
	config.SkipHostEnv = true
	config.Logger = hclog.NewNullLogger()
	config.StartTimeout = 30 * time.Second
	config.UnixSocketConfig = &goplugin.UnixSocketConfig{TempDir: t.TempDir()}
	config.RunnerFunc = func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
		p = newPrinter(line, cmd.Env)
		return p, nil
	}
	client := goplugin.NewClient(&config)
	addr, err := client.Start()
	if p == nil {
		t.Fatalf("the host did not get as far as the plugin: %v", err)
	}
	t.Cleanup(func() { _ = p.Kill(context.Background()) })
	return addr, client, p.env, err
}

// goPluginSays are pieces of go-plugin's errors, by the check that made them.
// They show that both hosts check in the same order.
func goPluginSays(reason handshake.Reason) string {
	return map[handshake.Reason]string{
		handshake.ReasonFieldCount:  "Unrecognized remote plugin message",
		handshake.ReasonCoreNumber:  "error parsing core protocol version",
		handshake.ReasonCoreVersion: "incompatible core API version",
		handshake.ReasonAppNumber:   "Error parsing protocol version",
		handshake.ReasonAppVersion:  "incompatible API version",
		handshake.ReasonNetwork:     "unknown address type",
		handshake.ReasonAddress:     "address ",
		handshake.ReasonProtocol:    "unsupported plugin protocol",
		handshake.ReasonCertificate: "error parsing server cert",
		handshake.ReasonMultiplex:   "multiplexing",
	}[reason]
}

// Every line that our host takes go-plugin's takes, and the other way round,
// and for the same reason.
func TestVerdictsOfGoPluginHost(t *testing.T) {
	for _, v := range verdicts(t) {
		t.Run(v.name, func(t *testing.T) {
			protocols := []goplugin.Protocol{goplugin.ProtocolGRPC}
			if v.netrpc {
				protocols = append(protocols, goplugin.ProtocolNetRPC)
			}
			addr, client, _, err := host(t, v.text, goplugin.ClientConfig{
				VersionedPlugins: pluginSets(5, 6), AllowedProtocols: protocols,
				GRPCBrokerMultiplex: v.multiplex, AutoMTLS: true,
			})
			if (err == nil) != (v.reason == "") {
				t.Fatalf("go-plugin says %v, we say %q", err, v.reason)
			}
			if err != nil {
				if want := goPluginSays(v.reason); want == "" || !strings.Contains(err.Error(), want) {
					t.Errorf("go-plugin says %v, we say %q", err, v.reason)
				}
				return
			}
			l, err := handshake.AcceptLine(v.text, v.expectation())
			if err != nil {
				t.Fatal(err)
			}
			if l.Network != addr.Network() || l.Address != addr.String() || l.AppVersion != client.NegotiatedVersion() {
				t.Errorf("go-plugin reads %s %s, version %d; we read %+v", addr.Network(), addr, client.NegotiatedVersion(), l)
			}
		})
	}
}

// What we print is read by go-plugin's host as it was meant.
func TestGoPluginHostReadsFormat(t *testing.T) {
	l := handshake.Line{
		CoreVersion: handshake.CoreVersion, AppVersion: 6, Network: "unix", Address: "/tmp/a b/ü",
		Protocol: "grpc", Certificate: certificate(t), Multiplex: handshake.MultiplexYes,
	}
	text, err := l.Format()
	if err != nil {
		t.Fatal(err)
	}
	addr, client, _, err := host(t, text, goplugin.ClientConfig{
		VersionedPlugins: pluginSets(5, 6), AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		GRPCBrokerMultiplex: true, AutoMTLS: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if addr.String() != l.Address || client.NegotiatedVersion() != 6 {
		t.Errorf("go-plugin reads %s, version %d", addr, client.NegotiatedVersion())
	}
}

// lookupIn makes a lookup function of KEY=VALUE entries.
func lookupIn(environ []string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		for _, entry := range slices.Backward(environ) {
			if k, v, _ := strings.Cut(entry, "="); k == key {
				return v, true
			}
		}
		return "", false
	}
}

func TestEnvOfGoPluginHost(t *testing.T) {
	_, _, environ, err := host(t, "1|6|unix|/tmp/x|grpc||true", goplugin.ClientConfig{
		VersionedPlugins: pluginSets(5, 6), AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		GRPCBrokerMultiplex: true, AutoMTLS: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := handshake.ReadEnv(lookupIn(environ))
	if err != nil {
		t.Fatal(err)
	}
	if env.MinPort != handshake.DefaultMinPort || env.MaxPort != handshake.DefaultMaxPort {
		t.Errorf("got ports %d to %d", env.MinPort, env.MaxPort)
	}
	slices.Sort(env.AppVersions)
	if !slices.Equal(env.AppVersions, []int{5, 6}) || !env.MultiplexSet || !env.Multiplex || env.SocketDir == "" {
		t.Errorf("got %+v", env)
	}
	block, _ := pem.Decode([]byte(env.ClientCert))
	if block == nil {
		t.Fatalf("no PEM in %q", env.ClientCert)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		t.Error(err)
	}
	if err := testCookie.Check(lookupIn(environ)); err != nil {
		t.Error(err)
	}
	if left := handshake.StripEnv(environ, testCookie.Key); len(left) != 0 {
		t.Errorf("left of what the host set: %q", left)
	}
}
