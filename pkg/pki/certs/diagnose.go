package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Severity says what a finding does to a connection.
type Severity string

// The severities.
const (
	// SeverityError: the connection fails with every peer, or with go-plugin's.
	SeverityError Severity = "error"
	// SeverityWarning: it fails with some peers, in some uses, or soon.
	SeverityWarning Severity = "warning"
)

// A Problem is the kind of a finding. The set is closed.
type Problem string

// The problems.
const (
	ProblemShortField  Problem = "short field"
	ProblemPadding     Problem = "padded field"
	ProblemField       Problem = "field"
	ProblemNoName      Problem = "no alternative name"
	ProblemName        Problem = "wrong name"
	ProblemP521        Problem = "p-521"
	ProblemEd25519     Problem = "ed25519"
	ProblemNotRoot     Problem = "not its own root"
	ProblemNotCA       Problem = "no authority"
	ProblemKeyUsage    Problem = "key usage"
	ProblemUsages      Problem = "extended usages"
	ProblemExpired     Problem = "expired"
	ProblemNotYetValid Problem = "not yet valid"
	ProblemRenewal     Problem = "ends soon"
	ProblemOrder       Problem = "chain order"
	ProblemChain       Problem = "chain"
	ProblemMismatch    Problem = "key mismatch"
	ProblemWeakKey     Problem = "weak key"
	ProblemSignature   Problem = "weak signature"
)

// A Finding is one thing that is wrong, with the advice that goes with it.
type Finding struct {
	Severity Severity `json:"severity"`
	Problem  Problem  `json:"problem"`
	// What is wrong and what comes of it, Fix what to do, Evidence where it shows.
	What     string `json:"what"`
	Fix      string `json:"fix"`
	Evidence string `json:"evidence"`
}

// A Patient is what [Diagnose] looks at. Either Field or Chain is needed.
type Patient struct {
	// Field is the certificate field of a handshake line, as it stands there. Its
	// certificate is looked at if there is no Chain.
	Field string
	// Chain is a certificate with what leads to its authority.
	Chain []*x509.Certificate
	// Key, if it is not nil, should be the certificate's.
	Key crypto.Signer
	// Roots are what the peer trusts. Nil stands for AutoMTLS, where the
	// certificate is its own root.
	Roots []*x509.Certificate
	// Name is what the peer asks for, "localhost" by default.
	Name string
	// Time is now by default.
	Time time.Time
}

// Diagnose says why a certificate fails in a connection of the go-plugin
// protocol (see the go-plugin contract, sections 2 and 3), or may fail, errors
// first. No finding means that none is known.
func Diagnose(p Patient) []Finding {
	if p.Time.IsZero() {
		p.Time = time.Now()
	}
	if p.Name == "" {
		p.Name = localhost
	}
	findings := p.field()
	if len(p.Chain) == 0 {
		return findings
	}
	for _, check := range []func() []Finding{p.dates, p.names, p.usages, p.strength, p.kind, p.pair, p.trust} {
		findings = append(findings, check()...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return strings.Compare(string(a.Severity), string(b.Severity)) })
	return findings
}

func fails(problem Problem, what, fix, evidence string) Finding {
	return Finding{SeverityError, problem, what, fix, evidence}
}

func warns(problem Problem, what, fix, evidence string) Finding {
	return Finding{SeverityWarning, problem, what, fix, evidence}
}

func (p Patient) dates() (found []Finding) {
	for _, c := range p.Chain {
		evidence := fmt.Sprintf("%s is valid from %s to %s; the clock says %s", nameOf(c.Subject), stamp(c.NotBefore), stamp(c.NotAfter), stamp(p.Time))
		var failed *Error
		errors.As(checkDates(c, p.Time), &failed)
		switch {
		case failed != nil && failed.Reason == ReasonNotYetValid:
			found = append(found, fails(ProblemNotYetValid, "the certificate is not valid yet: the handshake fails",
				"set the clock of this machine, or issue the certificate with a beginning in the past", evidence))
		case failed != nil:
			found = append(found, fails(ProblemExpired, "the certificate has expired: the handshake fails",
				"issue it anew, or set the clock", evidence))
		default:
			if needed, _ := NeedsRenewal(c, p.Time, Threshold{Share: 0.1}); needed {
				found = append(found, warns(ProblemRenewal, "the certificate ends soon", "issue it anew", evidence))
			}
		}
	}
	return found
}

func (p Patient) names() []Finding {
	leaf := p.Chain[0]
	names := namesOf(leaf)
	fix := fmt.Sprintf("issue it with %q among its subject alternative names", p.Name)
	if names.empty() {
		return []Finding{fails(ProblemNoName, "the certificate has no subject alternative name, and its common name does not count: peers refuse it", fix,
			shorten(fmt.Sprintf("common name %q, no alternative names", leaf.Subject.CommonName)))}
	}
	if leaf.VerifyHostname(p.Name) != nil {
		return []Finding{fails(ProblemName, "the certificate does not go by the name that peers ask for, whatever its address", fix,
			shorten(fmt.Sprintf("alternative names %q", names.strings())))}
	}
	return nil
}

func (p Patient) usages() (found []Finding) {
	leaf := p.Chain[0]
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		found = append(found, fails(ProblemKeyUsage, "the key may not sign, which TLS 1.3 and ECDHE need", "issue it with the key usage digitalSignature",
			"key usage "+strings.Join(usageNames(leaf.KeyUsage), ", ")))
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return found
	}
	const fix = "issue it with both extended usages, serverAuth and clientAuth"
	evidence := "extended usages " + strings.Join(extendedNames(leaf), ", ")
	server := slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	client := slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	switch {
	case !server && !client:
		found = append(found, fails(ProblemUsages, "the certificate is not for TLS: neither side takes it", fix, evidence))
	case !client:
		found = append(found, warns(ProblemUsages, "the certificate is for servers only: it fails for a host, and for a plugin that dials through the broker", fix, evidence))
	case !server:
		found = append(found, warns(ProblemUsages, "the certificate is for clients only: it fails for a plugin, and for a host that serves through the broker", fix, evidence))
	}
	return found
}

func (p Patient) strength() (found []Finding) {
	for i, c := range p.Chain {
		var failed *Error
		if errors.As(CheckKey(c.PublicKey), &failed) {
			found = append(found, fails(ProblemWeakKey, "the key is too weak or of a kind that TLS libraries refuse",
				"make a new key, best p-256, and a certificate for it", failed.Found+" in "+nameOf(c.Subject)))
		}
		if errors.As(checkSignature(c), &failed) && (i == 0 || !isSelfSigned(c)) {
			found = append(found, fails(ProblemSignature, "the certificate is signed with a broken hash: peers refuse it", "issue it anew with SHA-256", failed.Found))
		}
	}
	return found
}

// kind is about keys that are good and not taken everywhere.
func (p Patient) kind() []Finding {
	switch facts := keyFacts(p.Chain[0].PublicKey); {
	case facts.Curve == "P-521":
		return []Finding{warns(ProblemP521, "gRPC libraries built on BoringSSL (Python, Node, C++, Ruby) do not take P-521 by default: the handshake fails with such a peer",
			"make it with a p-256 key, which every TLS takes", "the key is ECDSA on P-521")}
	case facts.Algorithm == "Ed25519":
		return []Finding{warns(ProblemEd25519, "gRPC libraries built on BoringSSL (Python, Node, C++, Ruby) do not take Ed25519 by default",
			"make it with a p-256 key, which every TLS takes", "the key is Ed25519")}
	default:
		return nil
	}
}

func (p Patient) pair() []Finding {
	leaf := p.Chain[0]
	if p.Key == nil || matches(p.Key, leaf.PublicKey) {
		return nil
	}
	evidence := fmt.Sprintf("the certificate's key is %v, the private key is another", keyFacts(leaf.PublicKey))
	fix := "give the key that the certificate was made for"
	for i, other := range p.Chain[1:] {
		if matches(p.Key, other.PublicKey) {
			evidence = fmt.Sprintf("the key belongs to certificate number %d of the chain, %s", i+2, nameOf(other.Subject))
			fix = "put that certificate first"
		}
	}
	return []Finding{fails(ProblemMismatch, "the private key does not belong to the certificate: the side that shows it cannot start", fix, evidence)}
}

// isOwnRoot says whether a certificate can be trusted by itself everywhere.
func isOwnRoot(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && signedBy(c, c)
}
