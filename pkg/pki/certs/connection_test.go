package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

// The connections here are between processes: hosts and plugins of our own make
// and of go-plugin's, which all read the same directory.

// agreed is what both sides have agreed on: the one's files in dir.
func agreed(dir, side string) (*certs.Follower, error) {
	return certs.Follow(certs.FollowConfig{
		Certificate: filepath.Join(dir, side+".pem"), Key: filepath.Join(dir, side+".key"), CA: filepath.Join(dir, "ca.pem"),
	})
}

// plain is the same without a Follower.
func plain(dir, side string) (*tls.Config, error) {
	identity, err := certs.ReadIdentity(filepath.Join(dir, side+".pem"), filepath.Join(dir, side+".key"), nil)
	if err != nil {
		return nil, err
	}
	authorities, err := certs.ReadCertificates(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, authority := range authorities {
		pool.AddCert(authority)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{identity.TLS()}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		ServerName: "localhost", MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"},
	}, nil
}

func playOurPlugin(dir string) error {
	follower, err := agreed(dir, "plugin")
	if err != nil {
		return err
	}
	return server.Serve(context.Background(), server.Config{
		Cookie: kv.Cookie(), TLSConfig: follower.ServerTLS(),
		Register: func(r grpc.ServiceRegistrar, _ *server.Server) error {
			kv.NewStore(dir).Register(r)
			return nil
		},
	})
}

func theirHandshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: kv.Cookie().Key, MagicCookieValue: kv.Cookie().Value}
}

// kvPlugin is both halves of a plugin of go-plugin's make.
type kvPlugin struct {
	goplugin.NetRPCUnsupportedPlugin

	dir string
}

func (p kvPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	kv.NewStore(p.dir).Register(s)
	return nil
}

func (kvPlugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func playTheirPlugin(dir string) error {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: theirHandshake(), Plugins: goplugin.PluginSet{"kv": kvPlugin{dir: dir}},
		GRPCServer: goplugin.DefaultGRPCServer, Logger: hclog.NewNullLogger(),
		TLSProvider: func() (*tls.Config, error) { return plain(dir, "plugin") },
	})
	return nil
}

// playTheirHost starts our plugin. It has a process of its own because
// go-plugin's client leaves goroutines behind.
func playTheirHost(dir string) error {
	config, err := plain(dir, "host")
	if err != nil {
		return err
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), environ("our plugin", dir)...)
	c := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: theirHandshake(), Plugins: goplugin.PluginSet{"kv": kvPlugin{}}, Cmd: command, TLSConfig: config,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(), StartTimeout: patience,
		SkipHostEnv: true,
	})
	defer c.Kill()
	protocol, err := c.Client()
	if err != nil {
		return err
	}
	conn, err := protocol.Dispense("kv")
	if err != nil {
		return err
	}
	return use(context.Background(), conn.(*grpc.ClientConn), "their host")
}

// use puts and gets a value.
func use(ctx context.Context, conn *grpc.ClientConn, value string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := conn.Invoke(ctx, "/proto.KV/Put", &kvpb.PutRequest{Key: "k", Value: []byte(value)}, &kvpb.Empty{}); err != nil {
		return err
	}
	var got kvpb.GetResponse
	if err := conn.Invoke(ctx, "/proto.KV/Get", &kvpb.GetRequest{Key: "k"}, &got); err != nil {
		return err
	}
	if string(got.GetValue()) != value {
		return fmt.Errorf("got %q, expected %q", got.GetValue(), value)
	}
	return nil
}

func environ(role, dir string) []string {
	// The race detector would have every process wait a second at its end.
	return []string{roleVariable + "=" + role, dirVariable + "=" + dir, "GORACE=atexit_sleep_ms=0"}
}

// ourHost starts a plugin and uses it.
func ourHost(t *testing.T, role, dir string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	path, err := os.Executable()
	noError(t, err)
	follower, err := agreed(dir, "host")
	noError(t, err)
	env := environ(role, dir)
	if role == "their plugin" {
		env[2] = "GORACE=exitcode=0 atexit_sleep_ms=0"
	}
	c, err := client.Start(ctx, client.Config{
		Command: []string{path}, Cookie: kv.Cookie(), Env: env, StartTimeout: patience, TLSConfig: follower.ClientTLS(""),
	})
	if err != nil {
		return err
	}
	err = use(ctx, c.Conn(), "our host")
	return errors.Join(err, c.Close(ctx))
}

func theirHost(t *testing.T, dir string) error {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, path)
	command.Env = append(os.Environ(), environ("their host", dir)...)
	command.Env = append(command.Env, "GORACE=exitcode=0 atexit_sleep_ms=0")
	text, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// lay writes the files of both sides.
func lay(t *testing.T, plugin, host *certs.Identity, ca ...*x509.Certificate) string {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	noError(t, certs.WriteIdentity(file("plugin.pem"), file("plugin.key"), plugin, certs.WriteOptions{}))
	noError(t, certs.WriteIdentity(file("host.pem"), file("host.key"), host, certs.WriteOptions{}))
	noError(t, certs.WriteCertificates(file("ca.pem"), ca, certs.WriteOptions{}))
	return dir
}

// TestEachKindConnects has each kind of key and each profile in real
// connections, with go-plugin at either end.
func TestEachKindConnects(t *testing.T) {
	type sides struct{ dir string }
	cases := make(map[string]sides)
	ca, intermediate, _ := tower(t)
	for _, kind := range certs.KeyKinds() {
		peer := issue(t, certs.Spec{Profile: certs.ProfilePeer, Key: kind}, intermediate)
		cases["peer "+string(kind)] = sides{lay(t, peer, peer, ca.Certificate())}
	}
	server, host := fresh(t, certs.Spec{Profile: certs.ProfileServer}, ca), fresh(t, certs.Spec{Profile: certs.ProfileClient}, ca)
	cases["server and client"] = sides{lay(t, server, host, ca.Certificate())}
	for _, profile := range []certs.Profile{certs.ProfileGoPlugin, certs.ProfileSelfSigned} {
		a, b := fresh(t, certs.Spec{Profile: profile}, nil), fresh(t, certs.Spec{Profile: profile, Key: certs.KeyP384}, nil)
		cases[string(profile)] = sides{lay(t, a, b, a.Certificate(), b.Certificate())}
	}
	p521 := issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyP521}, nil)
	cases["go-plugin p-521"] = sides{lay(t, p521, p521, p521.Certificate())}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if err := ourHost(t, "our plugin", test.dir); err != nil {
				t.Errorf("our host, our plugin: %v", err)
			}
			if err := ourHost(t, "their plugin", test.dir); err != nil {
				t.Errorf("our host, go-plugin's plugin: %v", err)
			}
			if err := theirHost(t, test.dir); err != nil {
				t.Errorf("go-plugin's host, our plugin: %v", err)
			}
		})
	}
}

// TestDiagnosedOnesFail has the connections fail of which Diagnose says so.
func TestDiagnosedOnesFail(t *testing.T) {
	ca := root(t)
	peer := fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca)
	for name, test := range map[string]struct {
		plugin, host *certs.Identity
		want         certs.Problem
		cause        string
	}{
		"no alternative name":   {odd(t, keyOf(t, certs.KeyP256), ca, func(c *x509.Certificate) { c.DNSNames = nil }), peer, certs.ProblemNoName, "certificate"},
		"a client as a plugin":  {fresh(t, certs.Spec{Profile: certs.ProfileClient}, ca), peer, certs.ProblemUsages, "certificate"},
		"a server as a host":    {peer, fresh(t, certs.Spec{Profile: certs.ProfileServer}, ca), certs.ProblemUsages, "refused"},
		"of another authority":  {fresh(t, certs.Spec{Profile: certs.ProfilePeer}, root(t)), peer, certs.ProblemChain, "certificate"},
		"the host's is another": {peer, fresh(t, certs.Spec{Profile: certs.ProfilePeer}, root(t)), certs.ProblemChain, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ourHost(t, "our plugin", lay(t, test.plugin, test.host, ca.Certificate()))
			if err == nil || !strings.Contains(err.Error(), test.cause) {
				t.Errorf("error %v, expected %q in it", err, test.cause)
			}
			found := false
			for _, side := range []*certs.Identity{test.plugin, test.host} {
				for _, finding := range certs.Diagnose(certs.Patient{Chain: side.Chain, Key: side.Key, Roots: ca.Chain}) {
					found = found || finding.Problem == test.want
				}
			}
			if !found {
				t.Errorf("no finding %q", test.want)
			}
		})
	}
}
