package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is made here openssl takes, and the other way round.
func TestCertAndOpenSSL(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("password"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	openssl := func(args ...string) string {
		t.Helper()
		run := exec.Command(program, args...)
		run.Dir = dir
		output, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %q: %v: %s", args, err, output)
		}
		return string(output)
	}

	// Ours, to it.
	mustCert(t, "gen", "--profile", "root-ca", "--cert-out", file("ca.pem"), "--key-out", file("ca.key"))
	for _, kind := range [][]string{{"--ecdsa"}, {"--rsa", "--size", "2048"}, {"--ed25519"}} {
		args := append([]string{
			"gen", "--force", "--ca", file("ca.pem"), "--ca-key", file("ca.key"), "--san", "localhost", "--san", "127.0.0.1",
			"--cert-out", file("leaf.pem"), "--key-out", file("leaf.key"), "--password-file", file("password"),
		}, kind...)
		mustCert(t, args...)
		for _, purpose := range []string{"sslserver", "sslclient"} {
			openssl("verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", "localhost", "-CAfile", "ca.pem", "leaf.pem")
		}
		if got, want := openssl("pkey", "-in", "leaf.key", "-passin", "pass:secret", "-pubout"), openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey"); got != want {
			t.Errorf("%q: another key", kind)
		}
		mustCert(t, "p12", "make", "--force", "--cert", file("leaf.pem"), "--key", file("leaf.key"), "--key-password-file", file("password"),
			"--password-file", file("password"), "--out", file("leaf.p12"))
		openssl("pkcs12", "-in", "leaf.p12", "-passin", "pass:secret", "-nodes")
		colon := strings.TrimSpace(mustCert(t, "fingerprint", file("leaf.pem"), "--format", "colon"))
		if got := openssl("x509", "-in", "leaf.pem", "-noout", "-fingerprint", "-sha256"); !strings.Contains(got, colon) {
			t.Errorf("%q: %s, want %s", kind, got, colon)
		}
	}
	mustCert(t, "csr", "--san", "localhost", "--out", file("our.csr"), "--key-out", file("our.key"))
	openssl("req", "-in", "our.csr", "-noout", "-verify")

	// Its, to us.
	openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-passout", "pass:secret", "-keyout", "their.key", "-out", "their.csr",
		"-subj", "/CN=plugin", "-addext", "subjectAltName=DNS:localhost")
	mustCert(t, "sign", file("their.csr"), "--ca", file("ca.pem"), "--ca-key", file("ca.key"), "--cert-out", file("their.pem"))
	mustCert(t, "verify", file("their.pem"), "--roots", file("ca.pem"), "--name", "localhost", "--purpose", "both",
		"--key", file("their.key"), "--password-file", file("password"))
	openssl("pkcs12", "-export", "-in", "their.pem", "-inkey", "their.key", "-passin", "pass:secret", "-passout", "pass:secret", "-out", "their.p12")
	mustCert(t, "p12", "read", file("their.p12"), "--password-file", file("password"), "--cert-out", file("out.pem"), "--key-out", file("out.key"))
	mustCert(t, "verify", file("out.pem"), "--roots", file("ca.pem"), "--key", file("out.key"))

	// And what nobody should take.
	openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "weak.key", "-out", "weak.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
	if code, _, stderr := runCert(t, "", "verify", file("weak.pem"), "--self"); code != exitTLS || !strings.Contains(stderr, "key is too weak") {
		t.Errorf("RSA 1024: exit %d: %s", code, stderr)
	}
	openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1", "-nodes", "-keyout", "odd.key", "-out", "odd.pem", "-subj", "/CN=localhost")
	if code, _, stderr := runCert(t, "", "inspect", file("odd.pem")); code != exitTLS || !strings.Contains(stderr, "unsupported kind of key") {
		t.Errorf("secp256k1: exit %d: %s", code, stderr)
	}
	if code, _, stderr := runCert(t, "", "gen", "--key", file("weak.key"), "--cert-out", file("x.pem")); code != exitTLS || !strings.Contains(stderr, "key is too weak") {
		t.Errorf("a weak key: exit %d: %s", code, stderr)
	}
}
