package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// mutualConfig is what one reads who has certificates of one authority, whose
// PEM files are in dir.
func mutualConfig(dir string) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "own.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(text)
	return &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert,
		RootCAs: authorities, ClientCAs: authorities, ServerName: "plugin.test",
	}, nil
}

// authority makes a directory for mutualConfig.
func authority(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		}
	}
	ca, own := template(1), template(2)
	ca.IsCA, ca.KeyUsage = true, x509.KeyUsageCertSign
	own.DNSNames, own.KeyUsage = []string{"plugin.test"}, x509.KeyUsageDigitalSignature
	own.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	noError(t, err)
	ownDER, err := x509.CreateCertificate(rand.Reader, own, ca, ownKey.Public(), caKey)
	noError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(ownKey)
	noError(t, err)
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: caDER}, "own.pem": {Type: "CERTIFICATE", Bytes: ownDER},
		"key.pem": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		noError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return dir
}

func configOf(t *testing.T, dir string) *tls.Config {
	t.Helper()
	config, err := mutualConfig(dir)
	noError(t, err)
	return config
}

func TestTLSConfig(t *testing.T) {
	for _, test := range []struct {
		name      string
		multiplex bool
	}{{"a connection each", false}, {"multiplexed", true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := authority(t)
			cfg := as(t, "go-plugin tls", dir)
			cfg.TLSConfig, cfg.Multiplex = configOf(t, dir), test.multiplex
			cfg.Env = append(cfg.Env, "GORACE=exitcode=0")
			c := start(t, cfg)
			if len(cfg.TLSConfig.NextProtos) != 0 || cfg.TLSConfig.MinVersion != 0 {
				t.Error("the caller's TLSConfig was changed")
			}
			callAllKinds(t, testpb.NewEchoClient(c.Conn()), 1<<20)
			callThroughBroker(t, c)
			if strings.Contains(string(say(t, c.Conn(), word("environment")).GetPayload()), handshake.EnvClientCert+"=") {
				t.Error("the plugin was given a certificate of AutoMTLS")
			}
			if c.Line().Certificate != nil {
				t.Error("the plugin's line has a certificate")
			}
			closed(t, c)
		})
	}
}

func TestTLSConfigFails(t *testing.T) {
	ours, other := authority(t), authority(t)
	for _, test := range []struct {
		name, role string
		change     func(*tls.Config)
		cause      string // a part of its text
	}{
		{"the plugin's authority is unknown", "go-plugin tls", func(c *tls.Config) { c.RootCAs = configOf(t, other).RootCAs }, "unknown authority"},
		{"another name", "go-plugin tls", func(c *tls.Config) { c.ServerName = "" }, "not localhost"},
		{"our authority is unknown", "go-plugin tls", func(c *tls.Config) { c.Certificates = configOf(t, other).Certificates }, "refused"},
		{"our authority is unknown with TLS 1.2", "go-plugin tls", func(c *tls.Config) {
			c.Certificates, c.MaxVersion = configOf(t, other).Certificates, tls.VersionTLS12
		}, "remote error"},
		{"no certificate of ours", "go-plugin tls", func(c *tls.Config) { c.Certificates = nil }, "refused"},
		{"the plugin has no TLS", "ours", func(*tls.Config) {}, "TLS handshake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := map[string]string{"go-plugin tls": ours}[test.role]
			cfg := as(t, test.role, text)
			cfg.TLSConfig = configOf(t, ours)
			test.change(cfg.TLSConfig)
			failed := fails(t, cfg)
			if failed.Reason != client.ReasonTLS || failed.Err == nil || !strings.Contains(failed.Err.Error(), test.cause) {
				t.Errorf("reason %q of %v, expected %q in it", failed.Reason, failed.Err, test.cause)
			}
			if !strings.Contains(failed.Hint(), "TLSConfig") {
				t.Errorf("hint %q", failed.Hint())
			}
		})
	}
}

func TestTLSConfigRefused(t *testing.T) {
	for name, change := range map[string]func(*client.Config){
		"with TLS off":        func(c *client.Config) { c.TLSConfig, c.TLS = &tls.Config{}, client.TLSOff },
		"of an old version":   func(c *client.Config) { c.TLSConfig = &tls.Config{MaxVersion: tls.VersionTLS11} },
		"a TLS nobody has":    func(c *client.Config) { c.TLS = "sometimes" },
		"an Inherit of none":  func(c *client.Config) { c.Inherit = "some" },
		"a sum without hash":  func(c *client.Config) { c.Checksum.Sum = []byte{1} },
		"a hash without sum":  func(c *client.Config) { c.Checksum = noSum(t) },
		"a sum of other size": func(c *client.Config) { c.Checksum = noSum(t); c.Checksum.Sum = []byte{1, 2, 3} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := as(t, "ours", "")
			change(&cfg)
			if failed := fails(t, cfg); failed.Reason != client.ReasonConfig || failed.Err == nil {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
		})
	}
}

// noSum is a checksum that lacks its sum.
func noSum(t *testing.T) client.Checksum {
	t.Helper()
	c, err := client.ParseChecksum("sha256:" + strings.Repeat("0", 64))
	noError(t, err)
	c.Sum = nil
	return c
}

func TestAttachWithTLSConfig(t *testing.T) {
	dir, other := authority(t), authority(t)
	listener, err := net.Listen("unix", filepath.Join(shortDir(t), "p"))
	noError(t, err)
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(configOf(t, dir))))
	services.NewHealth(nil).Register(s)
	testpb.RegisterEchoServer(s, &echo{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	defer func() {
		s.Stop()
		noError(t, receive(t, "the end of the plugin", served))
	}()
	at := handshake.Reattach{Protocol: "grpc", ProtocolVersion: 1, Network: "unix", Address: listener.Addr().String(), Test: true}

	c := attach(t, client.Config{TLSConfig: configOf(t, dir)}, at)
	says(t, c, "hello")
	noError(t, c.Close(context.Background()))

	for name, test := range map[string]struct {
		cfg    client.Config
		reason client.Reason
	}{
		"another authority": {client.Config{TLSConfig: configOf(t, other)}, client.ReasonTLS},
		"TLS is off":        {client.Config{TLSConfig: configOf(t, dir), TLS: client.TLSOff}, client.ReasonConfig},
	} {
		_, err := client.Attach(soon(t), test.cfg, at)
		var failed *client.Error
		if !errors.As(err, &failed) || failed.Reason != test.reason {
			t.Errorf("%s: error %v, expected reason %q", name, err, test.reason)
		}
	}
}
