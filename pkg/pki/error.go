package pki

import (
	"fmt"
	"unicode/utf8"
)

// A Reason says which of the package's checks failed. The set is closed; new
// ones are only ever added.
type Reason string

const (
	// ReasonGenerate says: no key or certificate could be made.
	ReasonGenerate Reason = "generate"
	// ReasonBase64 says: a certificate field is not standard base64.
	ReasonBase64 Reason = "base64"
	// ReasonPEM says: a text holds no certificate in PEM form.
	ReasonPEM Reason = "pem"
	// ReasonCertificate says: the bytes are no X.509 certificate.
	ReasonCertificate Reason = "certificate"
	// ReasonPeer says: the peer of a connection showed another certificate than the
	// one it announced.
	ReasonPeer Reason = "peer"
	// ReasonNoPeer says: the peer of a connection showed no certificate, or none was
	// announced that it could match.
	ReasonNoPeer Reason = "no peer"
	// ReasonUnusable says: the peer's certificate is the announced one and not valid
	// for this use: its dates, its names or its key usage.
	ReasonUnusable Reason = "unusable"
	// ReasonNotTLS says: the peer does not speak TLS.
	ReasonNotTLS Reason = "not tls"
	// ReasonRefused says: the peer ended the handshake with a TLS alert.
	ReasonRefused Reason = "refused"
)

// An Error is what every function of this package fails with.
type Error struct {
	// Reason is never empty.
	Reason Reason
	// Found is the offending value, shortened to 200 bytes, Expected what would
	// have been right. Either may be empty. Neither ever holds key material.
	Found, Expected string
	// Err is the cause, or nil.
	Err error
}

// Error says what failed, with what was found, what was expected and the cause.
func (e *Error) Error() string {
	text := e.Reason.what()
	if e.Found != "" {
		text += fmt.Sprintf(": found %q", e.Found)
	}
	if e.Expected != "" {
		text += ", expected " + e.Expected
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do about the error, or nothing.
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonBase64, ReasonCertificate:
		return "the certificate field of the handshake line is the certificate's DER in unpadded standard base64, without the PEM lines"
	case ReasonPEM:
		return `a certificate in PEM form begins with "-----BEGIN CERTIFICATE-----" on a line of its own`
	case ReasonPeer:
		return "something else may be listening at the address, or one side kept a certificate of an earlier run"
	case ReasonNoPeer:
		return "both sides have to take part in AutoMTLS: the host sets PLUGIN_CLIENT_CERT, the plugin puts its certificate in the handshake line"
	case ReasonUnusable:
		return `the certificate needs the name "localhost" among its subject alternative names, dates that include the present, and key usages for both server and client`
	case ReasonNotTLS:
		return "the peer serves without TLS: turn AutoMTLS off in the host, or on in the plugin"
	case ReasonRefused:
		return "the peer did not take our certificate or parameters: its own log says why; gRPC libraries built on BoringSSL refuse P-521 keys"
	default:
		return ""
	}
}

// what says in words what the reason stands for.
func (r Reason) what() string {
	switch r {
	case ReasonGenerate:
		return "cannot make a certificate"
	case ReasonBase64:
		return "certificate field is not base64"
	case ReasonPEM:
		return "no certificate in PEM form"
	case ReasonCertificate:
		return "not an X.509 certificate"
	case ReasonPeer:
		return "peer's certificate is not the announced one"
	case ReasonNoPeer:
		return "peer has no certificate"
	case ReasonUnusable:
		return "peer's certificate is not valid here"
	case ReasonNotTLS:
		return "peer does not speak TLS"
	case ReasonRefused:
		return "peer refused the TLS handshake"
	default:
		return string(r)
	}
}

// shorten cuts a value for [Error.Found].
func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
