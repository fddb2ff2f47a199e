package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

func encode(block string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
}

// utf16le is what a redirection in Windows PowerShell makes of a text.
func utf16le(text []byte) []byte {
	data := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(text))) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return data
}

func TestParseCertificates(t *testing.T) {
	ca, intermediate, leaf := tower(t)
	text := certs.EncodeCertificates(leaf.Chain...)
	key := pemOf(t, leaf.Key, "")
	for name, data := range map[string][]byte{
		"plain":            text,
		"CRLF":             bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"CR":               bytes.ReplaceAll(text, []byte("\n"), []byte("\r")),
		"byte order mark":  append([]byte("\xef\xbb\xbf"), text...),
		"UTF-16":           utf16le(text),
		"indented":         bytes.ReplaceAll(text, []byte("\n"), []byte("\n    ")),
		"surrounding text": []byte("subject=x\n" + string(text) + "the end\n"),
		"a key before":     append(bytes.Clone(key), text...),
		"a key behind":     append(bytes.Clone(text), key...),
		"no newline":       bytes.TrimSpace(text),
		"DER":              append(bytes.Clone(leaf.Certificate().Raw), intermediate.Certificate().Raw...),
		"older labels":     append(encode("X509 CERTIFICATE", leaf.Certificate().Raw), encode("TRUSTED CERTIFICATE", append(bytes.Clone(intermediate.Certificate().Raw), 0x30, 0))...),
	} {
		t.Run(name, func(t *testing.T) {
			chain, err := certs.ParseCertificates(data)
			noError(t, err)
			if len(chain) != 2 || !chain[0].Equal(leaf.Certificate()) || !chain[1].Equal(intermediate.Certificate()) {
				t.Errorf("got %d certificates", len(chain))
			}
		})
	}
	raw := ca.Certificate().Raw
	for name, test := range map[string]struct {
		data []byte
		want certs.Reason
	}{
		"nothing":         {nil, certs.ReasonEmpty},
		"white space":     {[]byte(" \r\n"), certs.ReasonEmpty},
		"junk":            {[]byte("hello"), certs.ReasonDamaged},
		"a key":           {key, certs.ReasonNotFound},
		"truncated PEM":   {text[:len(text)-40], certs.ReasonTruncated},
		"truncated DER":   {raw[:len(raw)-1], certs.ReasonTruncated},
		"two bytes":       {raw[:2], certs.ReasonTruncated},
		"changed DER":     {append([]byte{0x30, 3}, "abc"...), certs.ReasonDamaged},
		"junk in PEM":     {encode("CERTIFICATE", []byte("abc")), certs.ReasonDamaged},
		"truncated in it": {encode("CERTIFICATE", raw[:100]), certs.ReasonTruncated},
		"no base64":       {bytes.Replace(text, []byte("MII"), []byte("M!I"), 1), certs.ReasonDamaged},
		"PKCS #8 in DER":  {mustPKCS8(t, leaf.Key), certs.ReasonDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.ParseCertificates(test.data)
			if failed := wantReason(t, err, test.want); failed.Hint() == "" {
				t.Error("no hint")
			}
		})
	}
}

func mustPKCS8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	noError(t, err)
	return der
}

func mustSEC1(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	noError(t, err)
	return der
}

func oldStyle(t testing.TB, label string, der []byte, password string) []byte {
	t.Helper()
	block, err := x509.EncryptPEMBlock(rand.Reader, label, der, []byte(password), x509.PEMCipherAES256) //nolint:staticcheck // what older tools wrote
	noError(t, err)
	return pem.EncodeToMemory(block)
}

func equal(a, b crypto.Signer) bool {
	own, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(b.Public())
}

func TestParseKey(t *testing.T) {
	ec, rsaKey, ed := keyOf(t, certs.KeyP256), keyOf(t, certs.KeyRSA2048), keyOf(t, certs.KeyEd25519)
	sec1, pkcs1 := mustSEC1(t, ec.(*ecdsa.PrivateKey)), x509.MarshalPKCS1PrivateKey(rsaKey.(*rsa.PrivateKey))
	locked := pemOf(t, ec, "secret") // once, as it is meant to take its time
	block, _ := pem.Decode(locked)
	for name, test := range map[string]struct {
		data []byte
		want crypto.Signer
	}{
		"PKCS #8 ECDSA":          {pemOf(t, ec, ""), ec},
		"PKCS #8 RSA":            {pemOf(t, rsaKey, ""), rsaKey},
		"PKCS #8 Ed25519":        {pemOf(t, ed, ""), ed},
		"SEC 1":                  {encode("EC PRIVATE KEY", sec1), ec},
		"SEC 1 after parameters": {append(encode("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), encode("EC PRIVATE KEY", sec1)...), ec},
		"PKCS #1":                {encode("RSA PRIVATE KEY", pkcs1), rsaKey},
		"DER PKCS #8":            {mustPKCS8(t, ec), ec},
		"DER SEC 1":              {sec1, ec},
		"DER PKCS #1":            {pkcs1, rsaKey},
		"encrypted":              {locked, ec},
		"encrypted in DER":       {block.Bytes, ec},
		"encrypted the old way":  {oldStyle(t, "RSA PRIVATE KEY", pkcs1, "secret"), rsaKey},
		"CRLF and a mark":        {append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(pemOf(t, ec, ""), []byte("\n"), []byte("\r\n"))...), ec},
		"old way with CRLF":      {bytes.ReplaceAll(oldStyle(t, "EC PRIVATE KEY", sec1, "secret"), []byte("\n"), []byte("\r\n")), ec},
		"behind a certificate":   {append(certs.EncodeCertificates(root(t).Chain...), pemOf(t, ec, "")...), ec},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := certs.ParseKey(test.data, []byte("secret"))
			noError(t, err)
			if !equal(key, test.want) {
				t.Error("another key")
			}
		})
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	noError(t, err)
	public, err := x509.MarshalPKIXPublicKey(ec.Public())
	noError(t, err)
	for name, test := range map[string]struct {
		data     []byte
		password string
		want     certs.Reason
	}{
		"nothing":                {nil, "", certs.ReasonEmpty},
		"junk":                   {[]byte("junk"), "", certs.ReasonDamaged},
		"a certificate":          {certs.EncodeCertificates(root(t).Chain...), "", certs.ReasonNotFound},
		"a public key":           {public, "", certs.ReasonNotFound},
		"another header":         {[]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nProc-Type: 4, ENCRYPTED\n\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), "x", certs.ReasonDamaged},
		"truncated":              {sec1[:40], "", certs.ReasonTruncated},
		"truncated PEM":          {pemOf(t, ec, "")[:90], "", certs.ReasonTruncated},
		"no password":            {locked, "", certs.ReasonEncrypted},
		"wrong password":         {locked, "guess", certs.ReasonPassword},
		"no password, old way":   {oldStyle(t, "EC PRIVATE KEY", sec1, "secret"), "", certs.ReasonEncrypted},
		"wrong one, old way":     {oldStyle(t, "EC PRIVATE KEY", sec1, "secret"), "guess", certs.ReasonPassword},
		"X25519":                 {encode("PRIVATE KEY", mustPKCS8(t, x25519)), "", certs.ReasonKeyKind},
		"no whole block":         {encode("ENCRYPTED PRIVATE KEY", bytes.Replace(block.Bytes, []byte{4, 16}, []byte{4, 15}, 1)), "secret", certs.ReasonDamaged},
		"an old unknown cipher":  {[]byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n"), "x", certs.ReasonCipher},
		"encrypted in a new way": {encode("ENCRYPTED PRIVATE KEY", []byte{0x30, 9, 0x30, 4, 6, 2, 42, 3, 4, 1, 0}), "x", certs.ReasonCipher},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.ParseKey(test.data, []byte(test.password))
			wantReason(t, err, test.want)
		})
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	spaced := put(t, dir, "with space.pem", []byte("x"))
	for _, value := range []string{spaced, "file://" + spaced, "file://" + strings.ReplaceAll(filepath.ToSlash(spaced), " ", "%20")} {
		if data, err := certs.ReadFile(value); err != nil || string(data) != "x" {
			t.Errorf("%q: %q, %v", value, data, err)
		}
	}
	exact := put(t, dir, "exact", bytes.Repeat([]byte("x"), certs.MaxFile))
	if data, err := certs.ReadFile(exact); err != nil || len(data) != certs.MaxFile {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	for value, want := range map[string]certs.Reason{
		"":                         certs.ReasonUnset,
		"file://":                  certs.ReasonUnset,
		filepath.Join(dir, "none"): certs.ReasonUnreadable,
		dir:                        certs.ReasonDirectory,
		put(t, dir, "empty", nil):  certs.ReasonEmpty,
		put(t, dir, "large", bytes.Repeat([]byte("x"), certs.MaxFile+1)): certs.ReasonTooLarge,
	} {
		_, err := certs.ReadFile(value)
		if failed := wantReason(t, err, want); failed.Path != strings.TrimPrefix(value, "file://") || failed.Hint() == "" {
			t.Errorf("%v: path %q, hint %q", want, failed.Path, failed.Hint())
		}
	}
	_, err := certs.ReadCertificates(spaced)
	if failed := wantReason(t, err, certs.ReasonDamaged); failed.Path != spaced || !strings.Contains(failed.Error(), "with space.pem") {
		t.Errorf("error %v", err)
	}
}

func TestReadPassword(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"secret": "secret", "secret\n": "secret", " a b \r\nsecond\n": " a b ", "\xef\xbb\xbfsecret\n": "secret", string(utf16le([]byte("sécret\r\n"))): "sécret"} {
		if got, err := certs.ReadPassword(put(t, dir, "p", []byte(text))); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	_, err := certs.ReadPassword(put(t, dir, "p", []byte("\nsecond")))
	wantReason(t, err, certs.ReasonEmpty)
}

func TestReadIdentity(t *testing.T) {
	dir := t.TempDir()
	_, _, leaf := tower(t)
	other := root(t)
	certificate, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	noError(t, certs.WriteIdentity(certificate, "file://"+key, leaf, certs.WriteOptions{Password: []byte("secret")}))
	got, err := certs.ReadIdentity("file://"+certificate, key, []byte("secret"))
	noError(t, err)
	if len(got.Chain) != 2 || !equal(got.Key, leaf.Key) || len(got.TLS().Certificate) != 2 {
		t.Errorf("got %d certificates", len(got.Chain))
	}
	_, err = certs.ReadIdentity(certificate, put(t, dir, "other", pemOf(t, other.Key, "")), nil)
	wantReason(t, err, certs.ReasonMismatch)
	_, err = certs.ReadIdentity(certificate, filepath.Join(dir, "none"), nil)
	if failed := wantReason(t, err, certs.ReasonUnreadable); !os.IsNotExist(failed.Err) {
		t.Errorf("cause %v", failed.Err)
	}
}

func TestPKCS12(t *testing.T) {
	_, intermediate, leaf := tower(t)
	for _, kind := range certs.KeyKinds() {
		for _, legacy := range []bool{false, true} {
			own := issue(t, certs.Spec{Profile: certs.ProfilePeer, Key: kind}, intermediate)
			data, err := certs.EncodePKCS12(own, []byte("secret"), legacy)
			noError(t, err)
			got, err := certs.ParsePKCS12(data, []byte("secret"))
			noError(t, err)
			if !equal(got.Key, own.Key) || len(got.Chain) != 2 || !got.Chain[0].Equal(own.Certificate()) || !got.Chain[1].Equal(intermediate.Certificate()) {
				t.Errorf("%s: got %d certificates", kind, len(got.Chain))
			}
		}
	}
	data, err := certs.EncodePKCS12(leaf, []byte("secret"), false)
	noError(t, err)
	for name, test := range map[string]struct {
		data     []byte
		password string
		want     certs.Reason
	}{
		"nothing":        {nil, "", certs.ReasonEmpty},
		"junk":           {[]byte("junk"), "", certs.ReasonDamaged},
		"PEM":            {certs.EncodeCertificates(leaf.Chain...), "", certs.ReasonDamaged},
		"cut":            {data[:len(data)-1], "secret", certs.ReasonTruncated},
		"wrong password": {data, "guess", certs.ReasonPassword},
		"no password":    {data, "", certs.ReasonPassword},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.ParsePKCS12(test.data, []byte(test.password))
			wantReason(t, err, test.want)
		})
	}
	_, err = certs.EncodePKCS12(leaf, nil, false)
	wantReason(t, err, certs.ReasonEncrypted)
	_, err = certs.EncodePKCS12(nil, []byte("x"), false)
	wantReason(t, err, certs.ReasonUnset)
}
