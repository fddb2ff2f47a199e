package certs_test

import (
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// openssl is the program in a directory, or the end of the test.
type openssl struct{ path, dir string }

func newOpenSSL(t *testing.T) openssl {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: what it says of our files, and we of its, is not tested")
	}
	return openssl{path, t.TempDir()}
}

// try runs it and returns all that it says.
func (o openssl) try(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	command := exec.CommandContext(ctx, o.path, arguments...)
	command.Dir = o.dir
	text, err := command.CombinedOutput()
	return string(text), err
}

func (o openssl) run(t *testing.T, arguments ...string) string {
	t.Helper()
	text, err := o.try(t, arguments...)
	if err != nil {
		t.Fatalf("openssl %q: %v\n%s", arguments, err, text)
	}
	return text
}

func (o openssl) file(name string) string { return filepath.Join(o.dir, name) }

// TestOpenSSLTakesOurs has openssl read, check and use what is made here.
func TestOpenSSLTakesOurs(t *testing.T) {
	o := newOpenSSL(t)
	ca, intermediate, _ := tower(t)
	put(t, o.dir, "ca.pem", certs.EncodeCertificates(ca.Chain...))
	put(t, o.dir, "intermediate.pem", certs.EncodeCertificates(intermediate.Chain...))
	for _, kind := range certs.KeyKinds() {
		t.Run(string(kind), func(t *testing.T) {
			leaf := issue(t, certs.Spec{Profile: certs.ProfilePeer, Key: kind, Names: []string{"localhost", "127.0.0.1", "urn:x:y", "a@b.example"}}, intermediate)
			plugin := issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: kind}, nil)
			options := certs.WriteOptions{Replace: true}
			noError(t, certs.WriteIdentity(o.file("leaf.pem"), o.file("key.pem"), leaf, options))
			noError(t, certs.WriteCertificates(o.file("plugin.pem"), plugin.Chain, options))

			for _, purpose := range []string{"sslserver", "sslclient"} {
				o.run(t, "verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", "localhost", "-CAfile", "ca.pem", "-untrusted", "intermediate.pem", "leaf.pem")
				o.run(t, "verify", "-purpose", purpose, "-verify_hostname", "localhost", "-CAfile", "plugin.pem", "plugin.pem")
			}
			o.run(t, "verify", "-verify_ip", "127.0.0.1", "-CAfile", "ca.pem", "-untrusted", "intermediate.pem", "leaf.pem")
			text := o.run(t, "x509", "-in", "leaf.pem", "-noout", "-text", "-fingerprint", "-sha256")
			colon, err := certs.Fingerprint(leaf.Certificate(), certs.DigestSHA256, certs.FormatColon)
			noError(t, err)
			for _, want := range []string{
				colon, "DNS:localhost", "IP Address:127.0.0.1", "URI:urn:x:y", "email:a@b.example",
				"TLS Web Server Authentication", "TLS Web Client Authentication", "CA:FALSE", "Issuer: CN = test intermediate",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl does not say %q:\n%s", want, text)
				}
			}
			public := o.run(t, "x509", "-in", "leaf.pem", "-noout", "-pubkey")
			if got := o.run(t, "pkey", "-in", "key.pem", "-pubout"); got != public {
				t.Error("openssl sees another key")
			}
			if kind == certs.KeyP256 || kind == certs.KeyRSA2048 || kind == certs.KeyEd25519 { // encryption is meant to take its time
				put(t, o.dir, "locked.pem", pemOf(t, leaf.Key, "secret"))
				if got := o.run(t, "pkey", "-in", "locked.pem", "-passin", "pass:secret", "-pubout"); got != public {
					t.Error("openssl decrypts another key")
				}
			}
			request, err := certs.NewRequest(certs.Spec{Names: []string{"localhost"}}, leaf.Key)
			noError(t, err)
			put(t, o.dir, "request.pem", certs.EncodeRequest(request))
			if got := o.run(t, "req", "-in", "request.pem", "-noout", "-verify", "-text"); !strings.Contains(got, "DNS:localhost") {
				t.Errorf("openssl reads of the request: %s", got)
			}
			p12, err := certs.EncodePKCS12(leaf, []byte("secret"), false)
			noError(t, err)
			put(t, o.dir, "leaf.p12", p12)
			if got := o.run(t, "pkcs12", "-in", "leaf.p12", "-passin", "pass:secret", "-nodes"); strings.Count(got, "BEGIN CERTIFICATE") != 2 || !strings.Contains(got, "BEGIN PRIVATE KEY") {
				t.Errorf("openssl reads of the PKCS #12: %s", got)
			}
		})
	}
	for _, profile := range []certs.Profile{certs.ProfileServer, certs.ProfileClient} {
		leaf := fresh(t, certs.Spec{Profile: profile}, intermediate)
		put(t, o.dir, "one.pem", certs.EncodeCertificates(leaf.Certificate()))
		other := map[certs.Profile]string{certs.ProfileServer: "sslclient", certs.ProfileClient: "sslserver"}[profile]
		o.run(t, "verify", "-purpose", "ssl"+string(profile), "-CAfile", "ca.pem", "-untrusted", "intermediate.pem", "one.pem")
		if text, err := o.try(t, "verify", "-purpose", other, "-CAfile", "ca.pem", "-untrusted", "intermediate.pem", "one.pem"); err == nil {
			t.Errorf("openssl takes a %s for %s: %s", profile, other, text)
		}
	}
	// What Diagnose says of certificates that are not their own root.
	put(t, o.dir, "one.pem", certs.EncodeCertificates(fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca).Certificate()))
	if text, err := o.try(t, "verify", "-CAfile", "one.pem", "one.pem"); err == nil {
		t.Errorf("openssl takes it as a root: %s", text)
	}
}

// keyArguments has openssl make a key of each kind.
func keyArguments() map[certs.KeyKind][]string {
	return map[certs.KeyKind][]string{
		certs.KeyP256:    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		certs.KeyP384:    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		certs.KeyP521:    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"},
		certs.KeyEd25519: {"-algorithm", "ED25519"},
		certs.KeyRSA2048: {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		certs.KeyRSA3072: {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"},
		certs.KeyRSA4096: {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"},
	}
}

// TestWeTakeOpenSSLs reads, checks and signs what openssl made.
func TestWeTakeOpenSSLs(t *testing.T) {
	o := newOpenSSL(t)
	ca := root(t)
	put(t, o.dir, "extensions", []byte("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n"))
	o.run(t, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=openssl root", "-days", "30")
	theirs, err := certs.ReadIdentity(o.file("ca.pem"), o.file("ca.key"), nil)
	noError(t, err)
	for kind, arguments := range keyArguments() {
		t.Run(string(kind), func(t *testing.T) {
			o.run(t, append([]string{"genpkey", "-out", "key.pem"}, arguments...)...)
			o.run(t, "req", "-new", "-key", "key.pem", "-subj", "/CN=plugin/O=acme", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", "request.pem")
			o.run(t, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10", "-extfile", "extensions", "-out", "leaf.pem")
			leaf, err := certs.ReadIdentity(o.file("leaf.pem"), o.file("key.pem"), nil)
			noError(t, err)
			noError(t, certs.CheckKey(leaf.Key))
			noError(t, certs.Verify(leaf.Chain, certs.Check{Roots: theirs.Chain, Name: "localhost", Purpose: certs.PurposePeer, Key: leaf.Key}))

			for name, convert := range map[string][]string{
				"DER":                 {"pkey", "-in", "key.pem", "-outform", "DER", "-out", "other"},
				"old form":            {"pkey", "-in", "key.pem", "-traditional", "-out", "other"},
				"old, encrypted":      {"pkey", "-in", "key.pem", "-traditional", "-aes128", "-passout", "pass:secret", "-out", "other"},
				"encrypted":           {"pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:secret", "-out", "other"},
				"encrypted, DER":      {"pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:secret", "-outform", "DER", "-out", "other"},
				"3DES":                {"pkcs8", "-topk8", "-v2", "des3", "-in", "key.pem", "-passout", "pass:secret", "-out", "other"},
				"AES-128, SHA-512":    {"pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-in", "key.pem", "-passout", "pass:secret", "-out", "other"},
				"AES-192, SHA-1, few": {"pkcs8", "-topk8", "-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1", "-iter", "1", "-in", "key.pem", "-passout", "pass:secret", "-out", "other"},
			} {
				if kind == certs.KeyEd25519 && strings.HasPrefix(name, "old") {
					continue // there is no such form
				}
				o.run(t, convert...)
				key, err := certs.ReadKey(o.file("other"), []byte("secret"))
				if err != nil || !equal(key, leaf.Key) {
					t.Errorf("%s: %v", name, err)
				}
				text, err := os.ReadFile(o.file("other"))
				noError(t, err)
				if locked := strings.Contains(string(text), "ENCRYPTED"); locked {
					_, err := certs.ReadKey(o.file("other"), []byte("guess"))
					wantReason(t, err, certs.ReasonPassword)
				}
			}
			o.run(t, "pkcs8", "-topk8", "-scrypt", "-in", "key.pem", "-passout", "pass:secret", "-out", "other")
			_, err = certs.ReadKey(o.file("other"), []byte("secret"))
			wantReason(t, err, certs.ReasonCipher)

			o.run(t, "x509", "-in", "leaf.pem", "-outform", "DER", "-out", "leaf.der")
			der, err := certs.ReadCertificates(o.file("leaf.der"))
			noError(t, err)
			if !der[0].Equal(leaf.Certificate()) {
				t.Error("another certificate")
			}
			for _, arguments := range [][]string{{}, {"-certpbe", "NONE", "-keypbe", "NONE"}, {"-descert"}} {
				o.run(t, append([]string{"pkcs12", "-export", "-in", "leaf.pem", "-inkey", "key.pem", "-certfile", "ca.pem", "-passout", "pass:secret", "-out", "leaf.p12"}, arguments...)...)
				p12, err := certs.ReadPKCS12(o.file("leaf.p12"), []byte("secret"))
				noError(t, err)
				if len(p12.Chain) != 2 || !equal(p12.Key, leaf.Key) || !p12.Chain[0].Equal(leaf.Certificate()) {
					t.Errorf("%q: got %d certificates", arguments, len(p12.Chain))
				}
			}
			request, err := certs.ReadRequest(o.file("request.pem"))
			noError(t, err)
			chain, err := certs.SignRequest(request, certs.Spec{Profile: certs.ProfilePeer}, ca)
			noError(t, err)
			noError(t, certs.Verify(chain, certs.Check{Roots: ca.Chain, Name: "127.0.0.1", Purpose: certs.PurposePeer, Key: leaf.Key}))
		})
	}
}

func TestOpenSSLsBadOnes(t *testing.T) {
	o := newOpenSSL(t)
	for name, test := range map[string]struct {
		arguments []string
		want      certs.Reason
	}{
		"RSA 1024":  {[]string{"-newkey", "rsa:1024"}, certs.ReasonWeakKey},
		"P-224":     {[]string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-224"}, certs.ReasonWeakKey},
		"SHA-1":     {[]string{"-newkey", "rsa:2048", "-sha1"}, certs.ReasonWeakSignature},
		"MD5":       {[]string{"-newkey", "rsa:2048", "-md5"}, certs.ReasonWeakSignature},
		"secp256k1": {[]string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"}, certs.ReasonKeyKind},
	} {
		t.Run(name, func(t *testing.T) {
			o.run(t, append([]string{"req", "-x509", "-nodes", "-keyout", "key.pem", "-out", "c.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"}, test.arguments...)...)
			chain, err := certs.ReadCertificates(o.file("c.pem"))
			if err == nil {
				err = certs.Verify(chain, certs.Check{Roots: append([]*x509.Certificate{}, chain...)})
			}
			wantReason(t, err, test.want)
			if chain != nil && len(certs.Diagnose(certs.Patient{Chain: chain})) == 0 {
				t.Error("nothing is found")
			}
			_ = certs.Describe(chain...) // it can be shown all the same
			if name == "secp256k1" {
				_, err := certs.ReadKey(o.file("key.pem"), nil)
				wantReason(t, err, certs.ReasonKeyKind)
			}
		})
	}
}
