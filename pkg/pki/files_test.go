package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// shelf is a directory of PEM files and the authority that they come from.
type shelf struct {
	dir string
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{dir: t.TempDir(), key: key}
	s.ca = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	s.write(t, "ca.pem", s.issue(t, s.ca, key))
	return s
}

// issue returns a certificate in PEM form.
func (s *shelf) issue(t *testing.T, template *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// write stores a file and returns its path.
func (s *shelf) write(t *testing.T, name string, data ...[]byte) string {
	t.Helper()
	var all []byte
	for _, part := range data {
		all = append(all, part...)
	}
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func leaf(name string, from, to time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func keyPEM(t *testing.T, label string, key any) []byte {
	t.Helper()
	var (
		der []byte
		err error
	)
	switch typed := key.(type) {
	case *ecdsa.PrivateKey:
		if label == "EC PRIVATE KEY" {
			der, err = x509.MarshalECPrivateKey(typed)
			break
		}
		der, err = x509.MarshalPKCS8PrivateKey(key)
	case *rsa.PrivateKey:
		der = x509.MarshalPKCS1PrivateKey(typed)
	default:
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// Keys of each kind, in each form, with what else files hold.
func TestFiles(t *testing.T) {
	s := newShelf(t)
	ec, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 43, 129, 4, 0, 34}})
	for name, test := range map[string]struct {
		key  crypto.Signer
		file []byte
	}{
		"ECDSA, SEC 1":   {ec, append(parameters, keyPEM(t, "EC PRIVATE KEY", ec)...)},
		"ECDSA, PKCS #8": {ec, keyPEM(t, "PRIVATE KEY", ec)},
		"RSA, PKCS #1":   {rs, keyPEM(t, "RSA PRIVATE KEY", rs)},
		"Ed25519":        {ed, append([]byte("a comment\n"), keyPEM(t, "PRIVATE KEY", ed)...)},
	} {
		t.Run(name, func(t *testing.T) {
			own := s.issue(t, leaf("localhost", -time.Hour, time.Hour), test.key)
			files := pki.Files{
				Certificate: "file://" + s.write(t, "own.pem", own, s.issue(t, s.ca, s.key)),
				Key:         s.write(t, "key.pem", test.file),
				CA:          "file://" + filepath.Join(s.dir, "ca.pem"),
			}
			server, err := files.ServerTLS()
			if err != nil {
				t.Fatal(err)
			}
			client, err := files.ClientTLS("")
			if err != nil {
				t.Fatal(err)
			}
			if server.ClientAuth != tls.RequireAndVerifyClientCert || len(server.Certificates[0].Certificate) != 2 || client.ServerName != "localhost" {
				t.Errorf("server %+v, client %+v", server, client)
			}
			// Each side can be either, as the broker needs it.
			for _, pair := range [][2]*tls.Config{{server, client}, {client, server}} {
				if serverErr, clientErr := shake(t, pair[0], pair[1]); serverErr != nil || clientErr != nil {
					t.Errorf("handshake: %v, %v", serverErr, clientErr)
				}
			}
			files.CA = ""
			open, err := files.ServerTLS()
			if err != nil || open.ClientAuth != tls.NoClientCert {
				t.Errorf("without CA: %v, %v", open.ClientAuth, err)
			}
			anonymous, err := pki.Files{CA: filepath.Join(s.dir, "ca.pem")}.ClientTLS("localhost")
			if err != nil {
				t.Fatal(err)
			}
			if serverErr, clientErr := shake(t, open, anonymous); serverErr != nil || clientErr != nil {
				t.Errorf("without a client certificate: %v, %v", serverErr, clientErr)
			}
			if serverErr, _ := shake(t, server, anonymous); serverErr == nil {
				t.Error("a client without a certificate was taken")
			}
			elsewhere, err := pki.Files{CA: filepath.Join(s.dir, "ca.pem")}.ClientTLS("example.com")
			if err != nil {
				t.Fatal(err)
			}
			if _, clientErr := shake(t, open, elsewhere); clientErr == nil {
				t.Error("a server of another name was taken")
			}
		})
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	s := newShelf(t)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	good := pki.Files{
		Certificate: s.write(t, "own.pem", s.issue(t, leaf("localhost", -time.Hour, time.Hour), key)),
		Key:         s.write(t, "key.pem", keyPEM(t, "PRIVATE KEY", key)),
		CA:          filepath.Join(s.dir, "ca.pem"),
	}
	block := func(label, data string, headers map[string]string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: []byte(data), Headers: headers})
	}
	old := *s.ca
	old.NotAfter = time.Now().Add(-time.Minute)
	for name, test := range map[string]struct {
		spoil func(*pki.Files)
		want  pki.FileReason
		path  string // its base; "": none
	}{
		"no certificate":      {func(f *pki.Files) { f.Certificate = "" }, pki.FileUnset, ""},
		"no key":              {func(f *pki.Files) { f.Key = "" }, pki.FileUnset, ""},
		"missing certificate": {func(f *pki.Files) { f.Certificate = "file://" + s.dir + "/none" }, pki.FileUnreadable, "none"},
		"missing key":         {func(f *pki.Files) { f.Key = s.dir + "/none" }, pki.FileUnreadable, "none"},
		"missing CA":          {func(f *pki.Files) { f.CA = s.dir + "/none" }, pki.FileUnreadable, "none"},
		"a directory":         {func(f *pki.Files) { f.CA = s.dir }, pki.FileUnreadable, filepath.Base(s.dir)},
		"key and certificate": {func(f *pki.Files) { f.Certificate, f.Key = f.Key, f.Certificate }, pki.FileNoPEM, "key.pem"},
		"certificate as key":  {func(f *pki.Files) { f.Key = f.Certificate }, pki.FileNoPEM, "own.pem"},
		"empty CA":            {func(f *pki.Files) { f.CA = s.write(t, "empty") }, pki.FileNoPEM, "empty"},
		"damaged certificate": {func(f *pki.Files) { f.Certificate = s.write(t, "bad", block("CERTIFICATE", "x", nil)) }, pki.FileDamaged, "bad"},
		"damaged key":         {func(f *pki.Files) { f.Key = s.write(t, "bad", block("PRIVATE KEY", "x", nil)) }, pki.FileDamaged, "bad"},
		"damaged EC key":      {func(f *pki.Files) { f.Key = s.write(t, "bad", block("EC PRIVATE KEY", "x", nil)) }, pki.FileDamaged, "bad"},
		"damaged RSA key":     {func(f *pki.Files) { f.Key = s.write(t, "bad", block("RSA PRIVATE KEY", "x", nil)) }, pki.FileDamaged, "bad"},
		"encrypted key":       {func(f *pki.Files) { f.Key = s.write(t, "locked", block("ENCRYPTED PRIVATE KEY", "x", nil)) }, pki.FileEncrypted, "locked"},
		"encrypted key, old": {func(f *pki.Files) {
			f.Key = s.write(t, "locked", block("RSA PRIVATE KEY", "x", map[string]string{"Proc-Type": "4,ENCRYPTED"}))
		}, pki.FileEncrypted, "locked"},
		"another key": {func(f *pki.Files) { f.Key = s.write(t, "other", keyPEM(t, "PRIVATE KEY", other)) }, pki.FileMismatch, "other"},
		"expired certificate": {func(f *pki.Files) {
			f.Certificate = s.write(t, "late", s.issue(t, leaf("localhost", -time.Hour, -time.Minute), key))
		}, pki.FileDates, "late"},
		"certificate to come": {func(f *pki.Files) {
			f.Certificate = s.write(t, "early", s.issue(t, leaf("localhost", time.Minute, time.Hour), key))
		}, pki.FileDates, "early"},
		"expired CA": {func(f *pki.Files) { f.CA = s.write(t, "old", s.issue(t, &old, s.key)) }, pki.FileDates, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			files := good
			test.spoil(&files)
			for side, make := range map[string]func() (*tls.Config, error){
				"server": files.ServerTLS, "client": func() (*tls.Config, error) { return files.ClientTLS("x") },
			} {
				config, err := make()
				var failed *pki.FileError
				if config != nil || !errors.As(err, &failed) || failed.Reason != test.want {
					t.Fatalf("%s: got %v, expected reason %q", side, err, test.want)
				}
				if base := filepath.Base(failed.Path); test.path != "" && base != test.path || test.path == "" && failed.Path != "" {
					t.Errorf("%s: path is %q, expected %q", side, failed.Path, test.path)
				}
				if failed.Hint() == "" || failed.Setting == "" || !strings.Contains(err.Error(), failed.Path) || strings.Contains(err.Error(), "file://") {
					t.Errorf("%s: error %q, hint %q", side, err, failed.Hint())
				}
				if test.path == "none" && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v does not wrap its cause", side, err)
				}
			}
		})
	}
	if _, err := good.ServerTLS(); err != nil {
		t.Error(err)
	}
	var failed *pki.FileError
	if _, err := (pki.Files{CA: good.CA}).ServerTLS(); !errors.As(err, &failed) || failed.Reason != pki.FileUnset {
		t.Errorf("a server without a certificate: %v", err)
	}
	// One authority of a bundle may have expired.
	good.CA = s.write(t, "bundle", s.issue(t, &old, s.key), s.issue(t, s.ca, s.key))
	if _, err := good.ClientTLS(""); err != nil {
		t.Error(err)
	}
}

// shake connects and returns what each side made of it.
func shake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	serverSide, clientSide := link(t, server, client)
	return serverSide.err, clientSide.err
}

// A value may be what a file holds, which no error repeats.
func TestFilesInline(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own, private := string(s.issue(t, leaf("localhost", -time.Hour, time.Hour), key)), string(keyPEM(t, "PRIVATE KEY", key))
	config, err := pki.Files{Certificate: own, Key: private, CA: filepath.Join(s.dir, "ca.pem")}.ServerTLS()
	if err != nil || len(config.Certificates) != 1 {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]pki.Files{
		"another key":   {Certificate: own, Key: string(keyPEM(t, "PRIVATE KEY", other))},
		"a damaged key": {Certificate: own, Key: strings.Replace(private, "MIG", "AAA", 1)},
		"no key":        {Certificate: own, Key: own},
	} {
		_, err := files.ServerTLS()
		var failed *pki.FileError
		if !errors.As(err, &failed) || failed.Path != "" || strings.Contains(err.Error(), "-----BEGIN") || strings.Contains(err.Error(), private[40:60]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
