package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

func TestParseKeyKind(t *testing.T) {
	for given, want := range map[string]certs.KeyKind{
		"": certs.KeyP256, "p-256": certs.KeyP256, "P256": certs.KeyP256, "ecdsa-p256": certs.KeyP256, "ecdsa": certs.KeyP256,
		"prime256v1": certs.KeyP256, "secp384r1": certs.KeyP384, "ECDSA:P-521": certs.KeyP521, "Ed25519": certs.KeyEd25519,
		"rsa": certs.KeyRSA3072, "rsa:2048": certs.KeyRSA2048, "RSA-4096": certs.KeyRSA4096,
	} {
		if got, err := certs.ParseKeyKind(given); err != nil || got != want {
			t.Errorf("%q is %q, %v, expected %q", given, got, err, want)
		}
	}
	for given, want := range map[string]certs.Reason{
		"rsa-1024": certs.ReasonWeakKey, "p-224": certs.ReasonWeakKey, "rsa-2047": certs.ReasonKeyKind, "dsa": certs.ReasonKeyKind, "secp256k1": certs.ReasonKeyKind,
	} {
		_, err := certs.ParseKeyKind(given)
		failed := wantReason(t, err, want)
		if failed.Found != given || failed.Hint() == "" || !strings.Contains(failed.Error(), "p-256") {
			t.Errorf("%q: error %v, hint %q", given, err, failed.Hint())
		}
	}
	for _, kind := range certs.KeyKinds() {
		if got, err := certs.ParseKeyKind(string(kind)); err != nil || got != kind {
			t.Errorf("%q is %q, %v", kind, got, err)
		}
		if err := certs.CheckKey(keyOf(t, kind)); err != nil {
			t.Errorf("%q: %v", kind, err)
		}
	}
	_, err := certs.NewKey("p-999")
	wantReason(t, err, certs.ReasonKeyKind)
}

func weakRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	noError(t, err)
	return key
}

func TestWeakKeysAreRefused(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	noError(t, err)
	self := certs.Spec{Profile: certs.ProfileSelfSigned}
	_, err = certs.Issue(self, weakRSA(t), nil)
	wantReason(t, err, certs.ReasonWeakKey)
	_, err = certs.Issue(self, p224, nil)
	wantReason(t, err, certs.ReasonWeakKey)
	_, err = certs.NewRequest(certs.Spec{}, weakRSA(t))
	wantReason(t, err, certs.ReasonWeakKey)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"localhost"}}, weakRSA(t))
	noError(t, err)
	request, err := certs.ParseRequest(der)
	noError(t, err)
	_, err = certs.SignRequest(request, certs.Spec{Profile: certs.ProfileServer}, root(t))
	wantReason(t, err, certs.ReasonWeakKey)
	wantReason(t, certs.CheckKey("no key"), certs.ReasonKeyKind)
}

func TestParseLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for given, want := range map[string]time.Duration{
		"30d": 30 * day, "1y": 365 * day, "8760h": 365 * day, "2w": 14 * day, "1y6w2d": 365*day + 44*day, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, " 1d ": day,
	} {
		if got, err := certs.ParseLifetime(given); err != nil || got != want {
			t.Errorf("%q is %v, %v, expected %v", given, got, err, want)
		}
	}
	for _, given := range []string{"", "0", "0d", "-1d", "d", "1d1y", "30 d", "1.5d", "9999y", "1d-12h", "30", "ten", "2027-01-01"} {
		_, err := certs.ParseLifetime(given)
		wantReason(t, err, certs.ReasonValidity)
	}
}

func TestParseInstant(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Time{
		"now": now, "30d": now.AddDate(0, 0, 30), "-1h": now.Add(-time.Hour), "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		"2027-01-31T12:00:00+02:00": time.Date(2027, 1, 31, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := certs.ParseInstant(given, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, expected %v", given, got, err, want)
		}
	}
	for _, given := range []string{"", "--1d", "2027-13-01", "tomorrow"} {
		_, err := certs.ParseInstant(given, now)
		wantReason(t, err, certs.ReasonValidity)
	}
}

func TestParseNames(t *testing.T) {
	names, err := certs.ParseNames("localhost", "*.example.org", "127.0.0.1", "::1", "[fe80::1]", "a@example.org",
		"spiffe://example.org/x", "urn:example:x", "dns:10.example", "ip:10.0.0.1", "localhost", "uri:mailto:x@y", "email:b@example.org", "my_host")
	noError(t, err)
	want := []string{"localhost *.example.org 10.example my_host", "127.0.0.1 ::1 fe80::1 10.0.0.1", "a@example.org b@example.org", "spiffe://example.org/x urn:example:x mailto:x@y"}
	var ips, uris []string
	for _, ip := range names.IP {
		ips = append(ips, ip.String())
	}
	for _, uri := range names.URI {
		uris = append(uris, uri.String())
	}
	for i, got := range [][]string{names.DNS, ips, names.Email, uris} {
		if strings.Join(got, " ") != want[i] {
			t.Errorf("list %d is %q, expected %q", i, got, want[i])
		}
	}
	for _, given := range []string{"", " ", "a b", "bücher.example", "-a", "a..b", "*", "a.*", "ip:x", "uri:x", "email:x", "a@", "A <a@b.c>", strings.Repeat("a", 64), "localhost."} {
		_, err := certs.ParseNames(given)
		wantReason(t, err, certs.ReasonName)
	}
}

func TestProfiles(t *testing.T) {
	ca := root(t)
	both := []string{"clientAuth", "serverAuth"}
	for _, test := range []struct {
		profile  certs.Profile
		issuer   *certs.Identity
		ca       bool
		extended []string
		days     int
		position certs.Position
	}{
		{certs.ProfileGoPlugin, nil, true, both, 10957, certs.PositionSelfSigned},
		{certs.ProfileServer, ca, false, both[1:], 365, certs.PositionLeaf},
		{certs.ProfileClient, ca, false, both[:1], 365, certs.PositionLeaf},
		{certs.ProfilePeer, ca, false, both, 365, certs.PositionLeaf},
		{certs.ProfileSelfSigned, nil, false, both, 365, certs.PositionSelfSigned},
		{certs.ProfileRoot, nil, true, nil, 3650, certs.PositionRoot},
		{certs.ProfileIntermediate, ca, true, nil, 5 * 365, certs.PositionIntermediate},
	} {
		t.Run(string(test.profile), func(t *testing.T) {
			identity := fresh(t, certs.Spec{Profile: test.profile}, test.issuer)
			c := identity.Certificate()
			p := certs.Describe(c)[0]
			if p.CA != test.ca || !slices.Equal(p.ExtendedUsages, test.extended) || p.Position != test.position {
				t.Errorf("got %+v", p)
			}
			if slices.Contains(p.Usages, "keyCertSign") != test.ca || !slices.Contains(p.Usages, "digitalSignature") {
				t.Errorf("usages %q", p.Usages)
			}
			if days := int(time.Until(c.NotAfter).Hours()/24 + 0.5); days != test.days {
				t.Errorf("valid for %d days, expected %d", days, test.days)
			}
			if age := time.Since(c.NotBefore); age < 29*time.Second || age > 60*time.Second {
				t.Errorf("valid since %v", age)
			}
			if (c.Subject.CommonName == "localhost") == (test.position == certs.PositionRoot || test.position == certs.PositionIntermediate) {
				t.Errorf("common name %q", c.Subject.CommonName)
			}
			if p.Key.Curve != "P-256" || c.SerialNumber.BitLen() < 64 || c.SerialNumber.BitLen() > 129 {
				t.Errorf("key %+v, serial of %d bits", p.Key, c.SerialNumber.BitLen())
			}
			if len(identity.Chain) != 1 {
				t.Errorf("chain of %d", len(identity.Chain))
			}
		})
	}
	for _, kind := range []certs.KeyKind{certs.KeyP256, certs.KeyP521} {
		c := issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: kind}, nil).Certificate()
		const usage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign
		if c.KeyUsage != usage || !slices.Equal(c.DNSNames, []string{"localhost"}) || c.NotAfter.Sub(c.NotBefore) != 262980*time.Hour+30*time.Second {
			t.Errorf("%s: usage %v, names %q", kind, c.KeyUsage, c.DNSNames)
		}
	}
}

func TestIssuersAreChecked(t *testing.T) {
	ca, intermediate, leaf := tower(t)
	other := root(t)
	zero := 0
	shallow := fresh(t, certs.Spec{Profile: certs.ProfileRoot, MaxPath: &zero}, nil)
	server := certs.Spec{Profile: certs.ProfileServer}
	long := server
	long.Lifetime = 100 * 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		spec   certs.Spec
		issuer *certs.Identity
		want   certs.Reason
	}{
		"a leaf without one":            {server, nil, certs.ReasonIssuer},
		"a leaf by a leaf":              {server, leaf, certs.ReasonIssuer},
		"a root by a root":              {certs.Spec{Profile: certs.ProfileRoot}, ca, certs.ReasonIssuer},
		"an intermediate too deep":      {certs.Spec{Profile: certs.ProfileIntermediate}, intermediate, certs.ReasonIssuer},
		"an intermediate of none":       {certs.Spec{Profile: certs.ProfileIntermediate}, shallow, certs.ReasonIssuer},
		"another's key":                 {server, &certs.Identity{Chain: ca.Chain, Key: other.Key}, certs.ReasonMismatch},
		"longer than the issuer":        {long, ca, certs.ReasonValidity},
		"ends before it begins":         {certs.Spec{Profile: certs.ProfileRoot, NotAfter: time.Now().Add(-time.Hour)}, nil, certs.ReasonValidity},
		"no profile":                    {certs.Spec{}, nil, certs.ReasonProfile},
		"a path length for a leaf":      {certs.Spec{Profile: certs.ProfileServer, MaxPath: &zero}, ca, certs.ReasonProfile},
		"a bad name":                    {certs.Spec{Profile: certs.ProfileServer, Names: []string{"a b"}}, ca, certs.ReasonName},
		"an unknown kind of key":        {certs.Spec{Profile: certs.ProfileRoot, Key: "x"}, nil, certs.ReasonKeyKind},
		"an issuer without certificate": {server, &certs.Identity{Key: ca.Key}, certs.ReasonIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.New(test.spec, test.issuer)
			wantReason(t, err, test.want)
		})
	}
	later := time.Now().AddDate(0, 1, 0).Truncate(time.Second)
	if c := fresh(t, certs.Spec{Profile: certs.ProfileServer, NotBefore: later, Lifetime: time.Hour}, ca).Certificate(); !c.NotBefore.Equal(later) || c.NotAfter.Sub(later) != time.Hour {
		t.Errorf("valid from %v to %v", c.NotBefore, c.NotAfter)
	}
	brief := fresh(t, certs.Spec{Profile: certs.ProfileRoot, Lifetime: time.Hour}, nil)
	if end := fresh(t, server, brief).Certificate().NotAfter; !end.Equal(brief.Certificate().NotAfter) {
		t.Errorf("the leaf ends at %v, expected the issuer's end %v", end, brief.Certificate().NotAfter)
	}
	if len(leaf.Chain) != 2 || !leaf.Chain[1].Equal(intermediate.Certificate()) {
		t.Errorf("the chain has %d certificates, expected the leaf and the intermediate", len(leaf.Chain))
	}
}

func TestSignRequest(t *testing.T) {
	ca := root(t)
	key := keyOf(t, certs.KeyP384)
	request, err := certs.NewRequest(certs.Spec{CommonName: "plugin", Organization: []string{"acme"}, Names: []string{"localhost", "10.0.0.1", "urn:x:y"}}, key)
	noError(t, err)
	chain, err := certs.SignRequest(request, certs.Spec{Profile: certs.ProfileServer, Lifetime: time.Hour}, ca)
	noError(t, err)
	c := chain[0]
	if !key.Public().(*ecdsa.PublicKey).Equal(c.PublicKey) || c.Subject.CommonName != "plugin" || c.Subject.Organization[0] != "acme" ||
		c.DNSNames[0] != "localhost" || c.IPAddresses[0].String() != "10.0.0.1" || c.URIs[0].String() != "urn:x:y" {
		t.Errorf("got %+v", certs.Describe(c)[0])
	}
	noError(t, certs.Verify(chain, certs.Check{Roots: ca.Chain, Name: "localhost", Purpose: certs.PurposeServer, Key: key}))
	chain, err = certs.SignRequest(request, certs.Spec{Profile: certs.ProfileServer, CommonName: "x", Names: []string{"other"}}, ca)
	noError(t, err)
	if got := chain[0]; got.Subject.CommonName != "x" || len(got.DNSNames) != 1 || got.DNSNames[0] != "other" || len(got.IPAddresses) != 0 {
		t.Errorf("the spec's names do not win: %+v", certs.Describe(got)[0])
	}
}

func TestRequestsGetNoMoreThanTheSpec(t *testing.T) {
	ca := root(t)
	constraints, err := asn1.Marshal(struct {
		CA bool `asn1:"optional"`
	}{true})
	noError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "greedy", OrganizationalUnit: []string{"admins"}}, DNSNames: []string{"localhost"},
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: constraints},
			{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: []byte{5, 0}},
		},
	}, keyOf(t, certs.KeyP256))
	noError(t, err)
	request, err := certs.ParseRequest(der)
	noError(t, err)
	chain, err := certs.SignRequest(request, certs.Spec{Profile: certs.ProfileClient}, ca)
	noError(t, err)
	c := chain[0]
	if c.IsCA || len(c.Subject.OrganizationalUnit) != 0 || slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		return e.Id.Equal(asn1.ObjectIdentifier{1, 2, 3, 4})
	}) {
		t.Errorf("the request got through: %+v", certs.Describe(c)[0])
	}

	changed := slices.Clone(der)
	changed[len(changed)-1] ^= 1
	broken, err := certs.ParseRequest(changed)
	noError(t, err)
	_, err = certs.SignRequest(broken, certs.Spec{Profile: certs.ProfileClient}, ca)
	wantReason(t, err, certs.ReasonRequest)
	if certs.DescribeRequest(broken).Valid || !certs.DescribeRequest(request).Valid {
		t.Error("the wrong request is valid")
	}
	_, err = certs.SignRequest(request, certs.Spec{Profile: certs.ProfileRoot}, ca)
	wantReason(t, err, certs.ReasonIssuer)
	_, err = certs.SignRequest(request, certs.Spec{Profile: certs.ProfileServer}, nil)
	wantReason(t, err, certs.ReasonIssuer)

	der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "nameless"}}, keyOf(t, certs.KeyP256))
	noError(t, err)
	nameless, err := certs.ParseRequest(der)
	noError(t, err)
	_, err = certs.SignRequest(nameless, certs.Spec{Profile: certs.ProfileServer}, ca)
	wantReason(t, err, certs.ReasonName)
}

func TestDescribe(t *testing.T) {
	two := 2
	ca := fresh(t, certs.Spec{Profile: certs.ProfileRoot, MaxPath: &two}, nil)
	_, intermediate, leaf := tower(t)
	all := certs.Describe(leaf.Certificate(), intermediate.Certificate(), ca.Certificate())
	if p := all[2]; p.MaxPath == nil || *p.MaxPath != 2 || p.Index != 2 {
		t.Errorf("got %+v", p)
	}
	if p := all[1]; p.MaxPath == nil || *p.MaxPath != 0 {
		t.Errorf("got %+v", p)
	}
	p := all[0]
	serial, _ := new(big.Int).SetString(p.Serial, 16)
	if serial.Cmp(leaf.Certificate().SerialNumber) != 0 || p.Signature != "ECDSA-SHA256" || p.MaxPath != nil || p.Issuer != "CN=test intermediate" {
		t.Errorf("got %+v", p)
	}
}
