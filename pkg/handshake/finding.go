package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Finding is one thing about an environment that a person should know.
type Finding struct {
	// Variable is its name.
	Variable string
	// Err says what is wrong and, by its Hint, what to do; nil for a note.
	Err *Error
	// Note is worth knowing, and no fault; empty with Err.
	Note string
}

// EnvNames lists the variables of this package that a host sets for its plugin,
// sorted.
func EnvNames() []string {
	return []string{
		EnvClientCert, EnvMaxPort, EnvMinPort, EnvMultiplexGRPC, EnvProtocolVersions, EnvTransports,
		EnvUnixSocketDir, EnvUnixSocketGroup,
	}
}

// Causes of what is found in an environment.
var (
	errNoPEM       = errors.New("no PEM")
	errLostBreaks  = errors.New("PEM without its line breaks")
	errNoCert      = errors.New("PEM of something else than a certificate")
	errExpired     = errors.New("expired")
	errNotYet      = errors.New("not valid yet")
	errLeaked      = errors.New("set, though no host has started this")
	errNotANumber  = errors.New("no whole number")
	errUnknownName = errors.New("no such network")
)

// CheckLeaks finds variables of a host where no host has started the program,
// as in a person's shell: whatever is started there would take them for its own
// host's. All go into one finding, with ReasonEnvLeaked.
func CheckLeaks(lookup func(string) (string, bool)) []Finding {
	var leaked []string
	for _, name := range EnvNames() {
		if value, ok := lookup(name); ok && value != "" {
			leaked = append(leaked, name)
		}
	}
	if len(leaked) == 0 {
		return nil
	}
	names := strings.Join(leaked, " ")
	return []Finding{{Variable: leaked[0], Err: &Error{
		Reason: ReasonEnvLeaked, Field: names, Expected: "no variables of a plugin's host", Err: errLeaked,
	}}}
}

// CheckEnv finds what a plugin cannot use in what its host has set: ports,
// versions, multiplexing, networks, certificate. It looks at no file. An
// environment without any of them is fine.
func CheckEnv(lookup func(string) (string, bool), now time.Time) []Finding {
	var found []Finding
	add := func(err *Error) { found = append(found, Finding{Variable: err.Field, Err: err}) }
	env, err := ReadEnv(lookup)
	if fault, ok := errors.AsType[*Error](err); ok {
		add(fault)
	}
	for _, entry := range env.Skipped {
		add(&Error{
			Reason: ReasonEnvVersions, Field: EnvProtocolVersions, Found: shorten(entry, maxFound),
			Expected: "whole numbers with commas between them", Err: errNotANumber,
		})
	}
	if text, _ := lookup(EnvMultiplexGRPC); text != "" {
		if _, err := strconv.ParseBool(text); err != nil {
			add(&Error{
				Reason: ReasonEnvMultiplex, Field: EnvMultiplexGRPC, Found: shorten(text, maxFound),
				Expected: `"true" or "false"`, Err: errNoBoolean,
			})
		}
	}
	for _, name := range env.Transports {
		if !slices.Contains([]string{NetworkUnix, NetworkTCP}, name) {
			add(&Error{
				Reason: ReasonEnvTransports, Field: EnvTransports, Found: shorten(name, maxFound),
				Expected: `"unix", "tcp" or both`, Err: errUnknownName,
			})
		}
	}
	return append(found, checkClientCert(env.ClientCert, now)...)
}

// checkClientCert looks at the certificate of a host that asks for AutoMTLS.
func checkClientCert(text string, now time.Time) []Finding {
	if text == "" {
		return nil
	}
	bad := func(found string, cause error, advice string) []Finding {
		return []Finding{{Variable: EnvClientCert, Err: &Error{
			Reason: ReasonEnvCertificate, Field: EnvClientCert, Found: found,
			Expected: "the PEM of the host's certificate", Err: cause, advice: advice,
		}}}
	}
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil && strings.Contains(text, "-----BEGIN"):
		return bad(shorten(text, maxCertificateFound), errLostBreaks, "hand the variable on with its line breaks: quote it in scripts, as in \"$"+EnvClientCert+"\"")
	case block == nil:
		return bad(shorten(text, maxCertificateFound), errNoPEM, "")
	case block.Type != "CERTIFICATE": // which may be a key, that nobody should read here
		return bad(block.Type, errNoCert, "put a certificate there, and never a key")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return bad("PEM that holds no certificate", err, "")
	case now.After(certificate.NotAfter):
		return bad("a certificate until "+certificate.NotAfter.UTC().Format(time.RFC3339), errExpired,
			"hosts make a new one for every start: set the clock, or unset the variable if it is left over from an earlier run")
	case now.Before(certificate.NotBefore):
		return bad("a certificate from "+certificate.NotBefore.UTC().Format(time.RFC3339), errNotYet,
			"the clocks of host and plugin differ: set them")
	}
	if key, ok := certificate.PublicKey.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P521() {
		return []Finding{{Variable: EnvClientCert, Note: "the host's key is ECDSA P-521, as with every go-plugin host: " +
			"gRPC for Python, Node and C++ does not take it by default; a program that rpcplugin serves never meets it"}}
	}
	return nil
}

// CheckReattach finds what Terraform cannot use in TF_REATTACH_PROVIDERS.
func CheckReattach(lookup func(string) (string, bool)) []Finding {
	text, _ := lookup(EnvReattachProviders)
	providers, err := ParseReattachProviders(text)
	if fault, ok := errors.AsType[*Error](err); ok {
		return []Finding{{Variable: EnvReattachProviders, Err: fault}}
	}
	var found []Finding
	for name, r := range providers {
		if !r.Test {
			found = append(found, Finding{Variable: EnvReattachProviders, Err: &Error{
				Reason: ReasonReattachValue, Field: quote(name) + ": Test", Found: "false", Expected: "true",
				advice: "without it Terraform assumes version 5 and stops the plugin when it is done: set Test to true",
			}})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Err.Field, b.Err.Field) })
	return found
}
