package certs_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// odd makes a certificate that the package would not make; nil signs itself.
func odd(t testing.TB, key crypto.Signer, issuer *certs.Identity, change func(*x509.Certificate)) *certs.Identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "odd"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Certificate(), issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	noError(t, err)
	chain, err := certs.ParseCertificates(der)
	noError(t, err)
	return &certs.Identity{Chain: chain, Key: key}
}

// withSHA1 signs a self-signed certificate of RSA anew, as today's libraries
// would not.
func withSHA1(t testing.TB, given *certs.Identity) *certs.Identity {
	t.Helper()
	sha256WithRSA, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
	noError(t, err)
	sha1WithRSA, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5})
	noError(t, err)
	der := bytes.ReplaceAll(given.Certificate().Raw, sha256WithRSA, sha1WithRSA)
	chain, err := certs.ParseCertificates(der)
	noError(t, err)
	sum := sha1.Sum(chain[0].RawTBSCertificate)
	signature, err := rsa.SignPKCS1v15(nil, given.Key.(*rsa.PrivateKey), crypto.SHA1, sum[:])
	noError(t, err)
	chain, err = certs.ParseCertificates(append(der[:len(der)-len(signature)], signature...))
	noError(t, err)
	return &certs.Identity{Chain: chain, Key: given.Key}
}

func TestVerify(t *testing.T) {
	ca, intermediate, leaf := tower(t)
	again := fresh(t, certs.Spec{Profile: certs.ProfileRoot, CommonName: "test root"}, nil)
	stranger := fresh(t, certs.Spec{Profile: certs.ProfileRoot, CommonName: "stranger"}, nil)
	server := fresh(t, certs.Spec{Profile: certs.ProfileServer, Names: []string{"localhost", "127.0.0.1"}}, ca)
	alone := fresh(t, certs.Spec{Profile: certs.ProfileSelfSigned}, nil)
	old := odd(t, keyOf(t, certs.KeyP256), ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	bare := odd(t, keyOf(t, certs.KeyP256), ca, func(c *x509.Certificate) { c.DNSNames = nil })
	weak := odd(t, weakRSA(t), ca, func(*x509.Certificate) {})
	byLeaf := odd(t, keyOf(t, certs.KeyP384), server, func(*x509.Certificate) {})
	noSign := odd(t, keyOf(t, certs.KeyP384), nil, func(c *x509.Certificate) { c.IsCA = true })
	byNoSign := odd(t, keyOf(t, certs.KeyP256), noSign, func(*x509.Certificate) {})
	broken := withSHA1(t, issue(t, certs.Spec{Profile: certs.ProfileSelfSigned, Key: certs.KeyRSA2048}, nil))
	constrained := odd(t, keyOf(t, certs.KeyP384), nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.PermittedDNSDomains, c.ExtKeyUsage = true, x509.KeyUsageCertSign, []string{"example.org"}, nil
	})
	excluded := odd(t, keyOf(t, certs.KeyP256), constrained, func(*x509.Certificate) {})
	l, i, r := leaf.Certificate(), intermediate.Certificate(), ca.Certificate()
	for _, test := range []struct {
		name  string
		chain []*x509.Certificate
		check certs.Check
		want  certs.Reason // "" for none
	}{
		{"whole", list(l, i, r), certs.Check{Roots: list(r), Name: "localhost", Purpose: certs.PurposePeer, Key: leaf.Key}, ""},
		{"without the root", list(l, i), certs.Check{Roots: list(stranger.Certificate(), r)}, ""},
		{"the intermediate is trusted", list(l), certs.Check{Roots: list(i)}, ""},
		{"itself is trusted", alone.Chain, certs.Check{Roots: alone.Chain, Name: "localhost", Purpose: certs.PurposePeer}, ""},
		{"an address", server.Chain, certs.Check{Roots: list(r), Name: "127.0.0.1", Purpose: certs.PurposeServer}, ""},
		{"nothing", nil, certs.Check{}, certs.ReasonUnset},
		{"expired", old.Chain, certs.Check{Roots: list(r)}, certs.ReasonExpired},
		{"expired later", list(l, i), certs.Check{Roots: list(r), Time: time.Now().AddDate(2, 0, 0)}, certs.ReasonExpired},
		{"not yet valid", list(l, i), certs.Check{Roots: list(r), Time: time.Now().AddDate(-1, 0, 0)}, certs.ReasonNotYetValid},
		{"the root ends first", list(odd(t, keyOf(t, certs.KeyP256), ca, func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(20, 0, 0) }).Certificate()), certs.Check{Roots: list(r), Time: time.Now().AddDate(11, 0, 0)}, certs.ReasonExpired},
		{"another name", list(l, i), certs.Check{Roots: list(r), Name: "example.org"}, certs.ReasonWrongName},
		{"another address", server.Chain, certs.Check{Roots: list(r), Name: "127.0.0.2"}, certs.ReasonWrongName},
		{"no name", bare.Chain, certs.Check{Roots: list(r), Name: "localhost"}, certs.ReasonWrongName},
		{"another root", list(l, i, r), certs.Check{Roots: stranger.Chain}, certs.ReasonUnknownAuthority},
		{"another root of the same name", list(l, i), certs.Check{Roots: again.Chain}, certs.ReasonUnknownAuthority},
		{"self-signed, not trusted", alone.Chain, certs.Check{Roots: list(r)}, certs.ReasonUnknownAuthority},
		{"not of the system's", alone.Chain, certs.Check{}, certs.ReasonUnknownAuthority},
		{"no root at all", alone.Chain, certs.Check{Roots: list()}, certs.ReasonUnknownAuthority},
		{"no intermediate", list(l), certs.Check{Roots: list(r)}, certs.ReasonIncomplete},
		{"upside down", list(r, i, l), certs.Check{Roots: list(r)}, certs.ReasonOrder},
		{"root before intermediate", list(l, r, i), certs.Check{Roots: list(r)}, certs.ReasonOrder},
		{"intermediate before leaf", list(i, l), certs.Check{Roots: list(r)}, certs.ReasonOrder},
		{"a server as client", server.Chain, certs.Check{Roots: list(r), Purpose: certs.PurposeClient}, certs.ReasonUsage},
		{"a server as peer", server.Chain, certs.Check{Roots: list(r), Purpose: certs.PurposePeer}, certs.ReasonUsage},
		{"issued by a leaf", append(byLeaf.Chain, server.Chain...), certs.Check{Roots: list(r)}, certs.ReasonUsage},
		{"an authority that may not sign", byNoSign.Chain, certs.Check{Roots: noSign.Chain}, certs.ReasonUsage},
		{"a name that is not permitted", excluded.Chain, certs.Check{Roots: constrained.Chain}, certs.ReasonConstraint},
		{"another key", list(l, i), certs.Check{Roots: list(r), Key: alone.Key}, certs.ReasonMismatch},
		{"a weak key", weak.Chain, certs.Check{Roots: list(r)}, certs.ReasonWeakKey},
		{"SHA-1", broken.Chain, certs.Check{Roots: broken.Chain}, certs.ReasonWeakSignature},
		{"no purpose", server.Chain, certs.Check{Roots: list(r), Purpose: "x"}, certs.ReasonFormat},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := certs.Verify(test.chain, test.check)
			if test.want == "" {
				noError(t, err)
				return
			}
			failed := wantReason(t, err, test.want)
			if test.want != certs.ReasonFormat && test.want != certs.ReasonUnset && failed.Hint() == "" {
				t.Error("no hint")
			}
		})
	}
}

// What a certificate says of itself is shown on terminals.
func TestMessagesAreTame(t *testing.T) {
	wild := odd(t, keyOf(t, certs.KeyP256), nil, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA = "\x1b[2J\n"+strings.Repeat("x", 5000), true
		c.KeyUsage |= x509.KeyUsageCertSign
	})
	for _, at := range []time.Time{time.Now(), time.Now().AddDate(5, 0, 0), time.Now().AddDate(-5, 0, 0)} {
		for _, err := range []error{
			certs.Verify(wild.Chain, certs.Check{Time: at, Roots: list()}), certs.Verify(wild.Chain, certs.Check{Time: at, Roots: wild.Chain, Key: keyOf(t, certs.KeyP384)}),
		} {
			var own *certs.Error
			if !errors.As(err, &own) || len(own.Found) > 200 || len(own.Expected) > 300 || strings.ContainsAny(own.Found+own.Expected, "\x1b\n") {
				t.Errorf("error %q", err)
			}
		}
		for _, finding := range certs.Diagnose(certs.Patient{Chain: wild.Chain, Time: at, Roots: list(), Key: keyOf(t, certs.KeyP384)}) {
			if strings.ContainsAny(finding.Evidence, "\x1b\n") || len(finding.Evidence) > 600 {
				t.Errorf("evidence %q", finding.Evidence)
			}
		}
	}
}

func TestSortChain(t *testing.T) {
	ca, intermediate, leaf := tower(t)
	extra := root(t).Certificate()
	l, i, r := leaf.Certificate(), intermediate.Certificate(), ca.Certificate()
	for _, given := range [][]*x509.Certificate{{l, i, r, extra}, {l, extra, r, i}, {l, r, extra, i}} {
		before := slices.Clone(given)
		if got := certs.SortChain(given); !slices.EqualFunc(got, list(l, i, r, extra), (*x509.Certificate).Equal) {
			t.Errorf("got %v", certs.Describe(got...))
		}
		if !slices.Equal(before, given) {
			t.Error("the argument was changed")
		}
	}
	if got := certs.SortChain(nil); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestFingerprint(t *testing.T) {
	c := root(t).Certificate()
	p := certs.Describe(c)[0]
	for digest, want := range map[certs.Digest]string{"": p.SHA256, certs.DigestSHA256: p.SHA256, certs.DigestSHA1: p.SHA1, certs.DigestSPKI: p.SPKI} {
		raw, err := hex.DecodeString(want)
		noError(t, err)
		var pairs []string
		for _, b := range raw {
			pairs = append(pairs, strings.ToUpper(hex.EncodeToString([]byte{b})))
		}
		for format, want := range map[certs.Format]string{
			"": want, certs.FormatHex: want, certs.FormatColon: strings.Join(pairs, ":"), certs.FormatBase64: base64.StdEncoding.EncodeToString(raw),
		} {
			if got, err := certs.Fingerprint(c, digest, format); err != nil || got != want {
				t.Errorf("%q %q is %q, %v, expected %q", digest, format, got, err, want)
			}
		}
	}
	_, err := certs.Fingerprint(c, "md5", "")
	wantReason(t, err, certs.ReasonFormat)
	_, err = certs.Fingerprint(c, "", "emoji")
	wantReason(t, err, certs.ReasonFormat)
}

func TestNeedsRenewal(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &x509.Certificate{NotBefore: begin, NotAfter: begin.AddDate(0, 0, 90)}
	for _, test := range []struct {
		threshold string
		from      int // days
	}{{"", 60}, {"30d", 60}, {"20%", 72}, {"1d", 89}, {"100%", 0}, {"1y", 90 - 365}} {
		threshold, err := certs.ParseThreshold(test.threshold)
		noError(t, err)
		want := begin.AddDate(0, 0, test.from)
		if early, from := certs.NeedsRenewal(c, want.Add(-time.Second), threshold); early || from.Sub(want).Abs() > time.Second {
			t.Errorf("%q: %v from %v, expected %v", test.threshold, early, from, want)
		}
		if needed, _ := certs.NeedsRenewal(c, want.Add(time.Second), threshold); !needed {
			t.Errorf("%q: not needed after %v", test.threshold, want)
		}
	}
	if _, from := certs.NeedsRenewal(c, begin, certs.Threshold{Within: 24 * time.Hour, Share: 0.5}); !from.Equal(begin.AddDate(0, 0, 45)) {
		t.Errorf("the later of two: %v", from)
	}
	forever := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	if needed, from := certs.NeedsRenewal(forever, begin, certs.Threshold{}); needed || from.Year() < 7000 {
		t.Errorf("%v from %v", needed, from)
	}
	for _, given := range []string{"x", "0%", "101%", "-1d", "%"} {
		_, err := certs.ParseThreshold(given)
		wantReason(t, err, certs.ReasonFormat)
	}
}
