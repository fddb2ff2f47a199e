package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

func newPair(t testing.TB) *pki.Pair {
	t.Helper()
	pair, err := pki.NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestPairCertificate(t *testing.T) {
	before := time.Now()
	certificate := newPair(t).Certificate()
	after := time.Now()

	key, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("got a key of %T, want P-256", certificate.PublicKey)
	}
	if certificate.Subject.CommonName != "localhost" || !reflect.DeepEqual(certificate.DNSNames, []string{"localhost"}) {
		t.Errorf("got the names %q and %q", certificate.Subject.CommonName, certificate.DNSNames)
	}
	if bits := certificate.SerialNumber.BitLen(); bits < 64 || bits > 128 {
		t.Errorf("got a serial number of %d bits", bits)
	}
	const usage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign
	if certificate.KeyUsage != usage {
		t.Errorf("got key usage %b, want %b", certificate.KeyUsage, usage)
	}
	extended := map[x509.ExtKeyUsage]bool{}
	for _, use := range certificate.ExtKeyUsage {
		extended[use] = true
	}
	if len(extended) != 2 || !extended[x509.ExtKeyUsageServerAuth] || !extended[x509.ExtKeyUsageClientAuth] {
		t.Errorf("got extended key usage %v", certificate.ExtKeyUsage)
	}
	if !certificate.IsCA || !certificate.BasicConstraintsValid {
		t.Error("it is no authority")
	}
	if err := certificate.CheckSignatureFrom(certificate); err != nil {
		t.Errorf("it is not signed by itself: %v", err)
	}
	// Certificates have whole seconds.
	from, until := certificate.NotBefore.Add(30*time.Second), certificate.NotAfter.Add(-262980*time.Hour)
	for _, at := range []time.Time{from, until} {
		if at.Before(before.Truncate(time.Second)) || at.After(after) {
			t.Errorf("valid from %v until %v, made at %v", certificate.NotBefore, certificate.NotAfter, before)
		}
	}
}

func TestPairForms(t *testing.T) {
	pair := newPair(t)
	block, rest := pem.Decode([]byte(pair.PEM()))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 || !bytes.Equal(block.Bytes, pair.DER()) {
		t.Errorf("got PEM %q", pair.PEM())
	}
	der := pair.DER()
	der[0] = 0
	if bytes.Equal(der, pair.DER()) {
		t.Error("DER gives its own memory away")
	}
	if _, err := x509.ParseCertificate(pair.DER()); err != nil {
		t.Error(err)
	}
}

func TestPairsDiffer(t *testing.T) {
	first, second := newPair(t).Certificate(), newPair(t).Certificate()
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("two pairs have one serial number")
	}
	if first.PublicKey.(*ecdsa.PublicKey).Equal(second.PublicKey) {
		t.Error("two pairs have one key")
	}
}
