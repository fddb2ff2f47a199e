package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// agreed makes an authority and the files of a plugin and a host.
func agreed(t *testing.T) (plugin, host pki.Files) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	write := func(name, label string, der []byte) string {
		path := filepath.Join(dir, name)
		noError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600))
		return path
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	noError(t, err)
	authority := write("ca.pem", "CERTIFICATE", der)
	issue := func(name string, serial int64) pki.Files {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		noError(t, err)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, ca, own.Public(), key)
		noError(t, err)
		private, err := x509.MarshalPKCS8PrivateKey(own)
		noError(t, err)
		return pki.Files{
			Certificate: "file://" + write(name+".pem", "CERTIFICATE", der), Key: write(name+"-key.pem", "PRIVATE KEY", private), CA: authority,
		}
	}
	return issue("plugin", 2), issue("host", 3)
}

func TestAgreedTLS(t *testing.T) { eachWay(t, testAgreedTLS) }

func testAgreedTLS(t *testing.T, carry carry) {
	own, peer := agreed(t)
	config, err := own.ServerTLS()
	noError(t, err)
	config.NextProtos, config.MinVersion = nil, 0
	asked, err := pki.NewPair()
	noError(t, err)
	r := run(t, server.Config{Carry: carry, TLSConfig: config, LookupEnv: environment{
		handshake.EnvClientCert: asked.PEM(), handshake.EnvUnixSocketDir: t.TempDir(),
	}.lookup})
	if r.line.Certificate != nil {
		t.Error("the line has a certificate")
	}
	if config.NextProtos != nil || config.MinVersion != 0 {
		t.Error("the caller's configuration was changed")
	}
	_, stranger := agreed(t)
	stranger.CA = peer.CA
	anonymous := pki.Files{CA: peer.CA}
	for name, test := range map[string]struct {
		files   pki.Files
		version uint16
		ok      bool
	}{
		"the host": {peer, tls.VersionTLS13, true}, "with TLS 1.2": {peer, tls.VersionTLS12, true}, "with TLS 1.1": {peer, tls.VersionTLS11, false},
		"a stranger": {stranger, tls.VersionTLS13, false}, "nobody": {anonymous, tls.VersionTLS13, false},
	} {
		config, err := test.files.ClientTLS("localhost")
		noError(t, err)
		config.MinVersion, config.MaxVersion = min(config.MinVersion, test.version), test.version
		conn, err := grpc.NewClient("unix:"+r.line.Address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		noError(t, err)
		if err := services.Ping(soon(t), conn); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		noError(t, conn.Close())
	}
}
