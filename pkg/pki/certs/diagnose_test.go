package certs_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

func expire(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

func TestDiagnose(t *testing.T) {
	ca, intermediate, leaf := tower(t)
	stranger := root(t)
	good := fresh(t, certs.Spec{Profile: certs.ProfileGoPlugin}, nil)
	der := good.Certificate().Raw
	p256 := keyOf(t, certs.KeyP256)
	server := fresh(t, certs.Spec{Profile: certs.ProfileServer}, ca)
	own := func(change func(*x509.Certificate)) certs.Patient {
		return certs.Patient{Chain: odd(t, p256, nil, func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign
			change(c)
		}).Chain}
	}
	l, i, r := leaf.Certificate(), intermediate.Certificate(), ca.Certificate()
	padded := base64.StdEncoding.EncodeToString(der)
	for len(padded)%4 != 0 || !strings.HasSuffix(padded, "=") { // one of three lengths has no padding
		good = fresh(t, certs.Spec{Profile: certs.ProfileGoPlugin}, nil)
		der = good.Certificate().Raw
		if len(der)%3 == 0 {
			good = fresh(t, certs.Spec{Profile: certs.ProfileGoPlugin, Organization: []string{"a"}}, nil)
			der = good.Certificate().Raw
		}
		padded = base64.StdEncoding.EncodeToString(der)
	}
	for _, test := range []struct {
		name    string
		patient certs.Patient
		want    string // "severity problem", one after the other
	}{
		{"go-plugin's own kind", certs.Patient{Field: pki.EncodeField(der), Chain: good.Chain, Key: good.Key}, ""},
		{"a good leaf", certs.Patient{Chain: leaf.Chain, Key: leaf.Key, Roots: list(r)}, ""},
		{"nothing", certs.Patient{}, ""},
		{"a short field", certs.Patient{Field: "some unused text"}, "error short field"},
		{"50 characters", certs.Patient{Field: strings.Repeat("A", 50)}, "error short field"},
		{"51 characters", certs.Patient{Field: strings.Repeat("A", 51)}, "error field"},
		{"padding", certs.Patient{Field: padded}, "error padded field"},
		{"junk", certs.Patient{Field: strings.Repeat("|", 60)}, "error field"},
		{"PEM in base64", certs.Patient{Field: base64.RawStdEncoding.EncodeToString(certs.EncodeCertificates(good.Chain...))}, "error field"},
		{"another certificate", certs.Patient{Field: pki.EncodeField(der), Chain: fresh(t, certs.Spec{Profile: certs.ProfileGoPlugin}, nil).Chain}, "error field"},
		{"no names", own(func(c *x509.Certificate) { c.DNSNames = nil }), "error no alternative name"},
		{"another name", own(func(c *x509.Certificate) { c.DNSNames = []string{"plugin"} }), "error wrong name"},
		{"expired", own(expire), "error expired"},
		{"the clock is behind", own(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), "error not yet valid"},
		{"ends soon", own(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Minute) }), "warning ends soon"},
		{"may not sign", own(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageKeyEncipherment }), "error key usage"},
		{"an authority that may not", own(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), "warning key usage"},
		{"for servers", own(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), "warning extended usages"},
		{"for clients", own(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), "warning extended usages"},
		{"for mail", own(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }), "error extended usages"},
		{"for anything", own(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), ""},
		{"P-521", certs.Patient{Chain: issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyP521}, nil).Chain}, "warning p-521"},
		{"Ed25519", certs.Patient{Chain: issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyEd25519}, nil).Chain}, "warning ed25519"},
		{"RSA 1024", certs.Patient{Chain: odd(t, weakRSA(t), nil, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign }).Chain}, "error weak key"},
		{"no authority", certs.Patient{Chain: fresh(t, certs.Spec{Profile: certs.ProfileSelfSigned}, nil).Chain}, "warning no authority"},
		{"not its own root", certs.Patient{Chain: fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca).Chain}, "warning not its own root"},
		{"a chain for AutoMTLS", certs.Patient{Chain: list(l, i)}, "warning chain, warning not its own root"},
		{"another key", certs.Patient{Chain: good.Chain, Key: p256}, "error key mismatch"},
		{"an issuer's key", certs.Patient{Chain: leaf.Chain, Key: intermediate.Key, Roots: list(r)}, "error key mismatch"},
		{"out of order", certs.Patient{Chain: list(l, r, i), Roots: list(r)}, "error chain order"},
		{"no intermediate", certs.Patient{Chain: list(l), Roots: list(r)}, "error chain"},
		{"another root", certs.Patient{Chain: list(l, i), Roots: stranger.Chain}, "error chain"},
		{"another peer's name", certs.Patient{Chain: leaf.Chain, Roots: list(r), Name: "example.org"}, "error wrong name"},
		{"two things", certs.Patient{Chain: server.Chain, Roots: stranger.Chain}, "error chain, warning extended usages"},
		{"SHA-1", certs.Patient{Chain: withSHA1(t, issue(t, certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyRSA2048}, nil)).Chain}, "error weak signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, finding := range certs.Diagnose(test.patient) {
				got = append(got, string(finding.Severity)+" "+string(finding.Problem))
				if finding.What == "" || finding.Fix == "" || finding.Evidence == "" {
					t.Errorf("something is missing: %+v", finding)
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %q, expected %q", got, test.want)
			}
		})
	}
	findings := certs.Diagnose(certs.Patient{Chain: leaf.Chain, Key: intermediate.Key, Roots: list(r)})
	if !strings.Contains(findings[0].Evidence, "number 2") {
		t.Errorf("got %+v", findings)
	}
	text, err := json.Marshal(findings[0])
	noError(t, err)
	if !strings.HasPrefix(string(text), `{"severity":"error","problem":"key mismatch","what":`) {
		t.Errorf("got %s", text)
	}
}
