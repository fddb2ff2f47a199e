package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// minField is the length up to which go-plugin's hosts take the field for unused
// text: contract, section 2.
const minField = 50

// field looks at the field, and takes the certificate of it for the patient's.
func (p *Patient) field() (found []Finding) {
	if p.Field == "" {
		return nil
	}
	text := strings.TrimSpace(p.Field)
	const fix = "print the certificate's DER in unpadded standard base64"
	evidence := fmt.Sprintf("%d characters, %q", len(text), ends(text))
	if len(text) <= minField {
		return []Finding{fails(ProblemShortField, "hosts of go-plugin read the field only when it is longer than 50 characters: they go on without a certificate, and the first call fails", fix, evidence)}
	}
	if strings.HasSuffix(text, "=") {
		found = append(found, fails(ProblemPadding, "the field is padded, and hosts of go-plugin cannot decode it", fix+": without the = at its end", evidence))
	}
	certificate, err := pki.DecodeField(text)
	switch {
	case err != nil && strings.HasPrefix(text, "LS0tLS1CRUdJTi"):
		found = append(found, fails(ProblemField, "the field is a certificate in PEM form that was put into base64 once more", fix+", not PEM", evidence))
	case err != nil:
		found = append(found, fails(ProblemField, "the field is no certificate: the host refuses the handshake line", fix, evidence+": "+err.Error()))
	case len(p.Chain) == 0:
		p.Chain = []*x509.Certificate{certificate}
	case !p.Chain[0].Equal(certificate):
		found = append(found, fails(ProblemField, "the field holds another certificate than the one that is shown: with AutoMTLS the connection fails",
			"print the certificate that the connection shows", fmt.Sprintf("the field is of %s, serial %x", nameOf(certificate.Subject), certificate.SerialNumber)))
	}
	return found
}

// ends shows the beginning and the end of a field.
func ends(text string) string {
	const shown = 12
	if len(text) <= 2*shown {
		return text
	}
	return text[:shown] + "…" + text[len(text)-shown:]
}

// trust is about who vouches for the certificate.
func (p Patient) trust() []Finding {
	if p.Roots == nil {
		return p.alone()
	}
	if i := disorder(p.Chain); i >= 0 {
		return []Finding{fails(ProblemOrder, "the chain is out of order: many peers follow it as it stands, and refuse it",
			"put the leaf first, then its issuer, and so on", fmt.Sprintf("number %d is %s", i+1, nameOf(p.Chain[i].Subject)))}
	}
	err := Verify(p.Chain, Check{Roots: p.Roots, Time: p.Time})
	var failed *Error
	if !errors.As(err, &failed) {
		return nil
	}
	switch failed.Reason {
	case ReasonIncomplete, ReasonUnknownAuthority, ReasonUsage, ReasonConstraint:
		return []Finding{fails(ProblemChain, "the certificate does not lead to an authority that the peer trusts: "+failed.Reason.what(), failed.Hint(), failed.Error())}
	default:
		return nil // it was found before
	}
}

// alone is for AutoMTLS: the peer knows this certificate, and nothing else.
func (p Patient) alone() (found []Finding) {
	leaf := p.Chain[0]
	if len(p.Chain) > 1 {
		found = append(found, warns(ProblemChain, "AutoMTLS exchanges one certificate: the others of the chain are not sent to the peer beforehand",
			"use one self-signed certificate, or TLS with files on both sides", fmt.Sprintf("%d certificates", len(p.Chain))))
	}
	if !isOwnRoot(leaf) {
		return append(found, warns(ProblemNotRoot, "the certificate is not its own root: with AutoMTLS it is the only root that the peer has, which Go takes, and OpenSSL and BoringSSL do not",
			"use a self-signed certificate such as go-plugin makes, or TLS with files on both sides", "issued by "+nameOf(leaf.Issuer)))
	}
	if !leaf.IsCA {
		found = append(found, warns(ProblemNotCA, "the certificate is no authority: go-plugin's own are, and some libraries take only authorities as roots",
			"issue it with the CA bit, as the profile go-plugin does", "basic constraints without CA"))
	}
	if leaf.IsCA && leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageCertSign == 0 {
		found = append(found, warns(ProblemKeyUsage, "the certificate is an authority that may not sign certificates, not even its own: strict libraries refuse it as a root",
			"issue it with the key usage keyCertSign", "key usage "+strings.Join(usageNames(leaf.KeyUsage), ", ")))
	}
	return found
}
