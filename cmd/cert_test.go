package cmd

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// runCert runs "rpcplugin cert ARGS…".
func runCert(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &Program{
		Args: append([]string{"rpcplugin", "cert"}, args...), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	code = p.Run(context.Background())
	return code, out.String(), errs.String()
}

// mustCert is for what must go well; it returns stdout.
func mustCert(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := runCert(t, "", args...)
	if code != exitOK {
		t.Fatalf("%q: exit %d: %s", args, code, stderr)
	}
	return stdout
}

func TestCertKeyKinds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		flags keyFlags
		want  certs.KeyKind // "" for an error
	}{
		{keyFlags{}, certs.KeyP256},
		{keyFlags{Ecdsa: true}, certs.KeyP256},
		{keyFlags{Ecdsa: true, Crv: "P-384"}, certs.KeyP384},
		{keyFlags{Crv: "prime256v1"}, certs.KeyP256},
		{keyFlags{Kty: "ec", Crv: "P-521"}, certs.KeyP521},
		{keyFlags{Rsa: true}, certs.KeyRSA3072},
		{keyFlags{Rsa: true, Size: 2048}, certs.KeyRSA2048},
		{keyFlags{Kty: "RSA", Size: 4096}, certs.KeyRSA4096},
		{keyFlags{Ed25519: true}, certs.KeyEd25519},
		{keyFlags{Kty: "OKP"}, certs.KeyEd25519},
		{keyFlags{Kty: "OKP", Crv: "Ed25519"}, certs.KeyEd25519},
		{keyFlags{Kty: "OKP", Crv: "X25519"}, ""},
		{keyFlags{Kty: "OKP", Crv: "P-256"}, ""},
		{keyFlags{Crv: "Ed25519"}, ""},
		{keyFlags{Crv: "rsa-2048"}, ""},
		{keyFlags{Kty: "oct"}, ""},
		{keyFlags{Rsa: true, Size: -1}, ""},
		{keyFlags{Rsa: true, Size: 1024}, ""},
		{keyFlags{Rsa: true, Crv: "P-256"}, ""},
		{keyFlags{Size: 256}, ""},
	} {
		got, err := tc.flags.kind()
		if (err == nil) != (tc.want != "") || err == nil && got != tc.want || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%+v: got %q, %v, want %q", tc.flags, got, err, tc.want)
		}
	}
}

func TestCertExitCodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want int
	}{
		{&certs.Error{Reason: certs.ReasonDamaged}, exitTLS},
		{fmt.Errorf("x: %w", &certs.Error{Reason: certs.ReasonExpired}), exitTLS},
		{&certs.Error{Reason: certs.ReasonExists}, exitUsage},
		{&certs.Error{Reason: certs.ReasonValidity}, exitUsage},
		{&pki.FileError{Reason: pki.FileUnset}, exitTLS},
		{&pki.Error{}, exitTLS},
		{&tlsError{errors.New("x")}, exitTLS},
		{fmt.Errorf("%w: %w", errReported, errNotDue), exitNotDue},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("%v: exit %d, want %d", tc.err, got, tc.want)
		}
	}
}

// hostile is a certificate whose every text has something that a terminal obeys.
func hostile(t *testing.T) string {
	t.Helper()
	const evil = "\x1b[2Jred\u009b31m\u202e\r\x07|x"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject:  pkix.Name{CommonName: evil, Organization: []string{evil}},
		DNSNames: []string{"\x1b[2J.example", "a, localhost"}, EmailAddresses: []string{"\x1b[2J@x"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hostile.pem")
	if err := os.WriteFile(file, certs.EncodeCertificates(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever a certificate says, it moves no cursor.
func TestCertTextIsSafe(t *testing.T) {
	t.Parallel()
	file := hostile(t)
	dir := t.TempDir()
	for _, args := range [][]string{
		{"inspect", file},
		{"inspect", file, "-o", "short"},
		{"inspect", file, "-o", "json"},
		{"doctor", file},
		{"doctor", file, "-o", "json"},
		{"verify", file, "--self", "--name", "localhost"},
		{"verify", file},
		{"needs-renewal", file},
		{"gen", "--stdout", "--name", "\x1b[2J\u009b\u202e"},
		{"gen", "--cert-out", filepath.Join(dir, "\x1b[2J.pem"), "--key-out", filepath.Join(dir, "\u009b.pem")},
		{"csr", "--stdout", "--name", "\x1b[2J\u009b\u202e", "--organization", "\x1b[2J"},
	} {
		_, stdout, stderr := runCert(t, "", args...)
		if stdout+stderr == "" {
			t.Errorf("%q says nothing", args)
		}
		for _, text := range []string{stdout, stderr} {
			bad := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
			if bad >= 0 || !utf8.ValidString(text) {
				t.Errorf("%q: %q at %d of %q", args, text[bad], bad, text)
			}
		}
	}
	// Two names must not look like three.
	if text := mustCert(t, "inspect", file); !strings.Contains(text, `, "a, localhost", e-mail`) {
		t.Errorf("got %s", text)
	}
}

// serve accepts connections until the test ends.
func serve(t *testing.T, network, address string, each func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			each(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// A server shows its certificate to whoever asks, even if it then sends them away.
func TestCertOfServer(t *testing.T) {
	t.Parallel()
	own, host := newTestPair(t), newTestPair(t)
	shake := func(version uint16) func(net.Conn) {
		config := own.ServerTLS(host.Certificate())
		config.MaxVersion = version
		return func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() }
	}
	socket := filepath.Join(t.TempDir(), "s")
	serve(t, "unix", socket, shake(tls.VersionTLS13))
	for _, source := range []string{
		serve(t, "tcp", "127.0.0.1:0", shake(tls.VersionTLS13)),
		"tcp:" + serve(t, "tcp", "127.0.0.1:0", shake(tls.VersionTLS12)),
		"unix://" + socket,
		"unix:" + socket,
	} {
		if got := mustCert(t, "inspect", source, "-o", "pem"); got != own.PEM() {
			t.Errorf("%s: got %s", source, got)
		}
	}
	plain := serve(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) })
	if code, _, stderr := runCert(t, "", "inspect", plain); code != exitTLS || !strings.Contains(stderr, "TLS") {
		t.Errorf("a server without TLS: exit %d: %s", code, stderr)
	}
	hold := make(chan struct{})
	silent := serve(t, "tcp", "127.0.0.1:0", func(net.Conn) { <-hold })
	if code, _, stderr := runCert(t, "", "inspect", silent, "--timeout", "50ms"); code != exitTimeout || !strings.Contains(stderr, "50ms") {
		t.Errorf("a silent server: exit %d: %s", code, stderr)
	}
	close(hold)
}

func newTestPair(t *testing.T) *pki.Pair {
	t.Helper()
	pair, err := pki.NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// A file whose name looks like an address is a file.
func TestCertFileBeforeServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "host:80"), nil, 0o600); err != nil {
		t.Skip(err)
	}
	for source, want := range map[string]bool{
		"host:80": true, filepath.Join(dir, "host:80"): false, "host:http": false, "cert.pem": false, "unix:/x": true, "[::1]:1": true, "C:\\x": false,
	} {
		if _, got := (certSource{Source: source}).server(); got != want {
			t.Errorf("%q is an address: %t, want %t", source, got, want)
		}
	}
}

func TestCertUnreadable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(file); !errors.Is(err, fs.ErrPermission) {
		t.Skip("this user reads everything")
	}
	if code, _, stderr := runCert(t, "", "inspect", file); code != exitTLS || !strings.Contains(stderr, "permission denied") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
