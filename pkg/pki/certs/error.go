package certs

import (
	"crypto/x509/pkix"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Reason says which of the package's checks failed. The set is closed; new
// ones are only ever added.
type Reason string

// The reasons of files and of what is in them.
const (
	// ReasonUnset: a path, key or certificate is needed, and there is none.
	ReasonUnset Reason = "unset"
	// ReasonUnreadable: there is no such file, or it may not be read.
	ReasonUnreadable Reason = "unreadable"
	// ReasonDirectory: the path is a directory, or another thing that is no file.
	ReasonDirectory Reason = "directory"
	// ReasonEmpty: the input is empty, or white space only.
	ReasonEmpty Reason = "empty"
	// ReasonTooLarge: the input is larger than [MaxFile].
	ReasonTooLarge Reason = "too large"
	// ReasonNotFound: the input is well-formed, and holds nothing of the kind.
	ReasonNotFound Reason = "not found"
	// ReasonDamaged: the input is not what it is taken for.
	ReasonDamaged Reason = "damaged"
	// ReasonTruncated: the input ends too early.
	ReasonTruncated Reason = "truncated"
	// ReasonEncrypted: a password is needed, and none was given.
	ReasonEncrypted Reason = "encrypted"
	// ReasonPassword: the password is wrong.
	ReasonPassword Reason = "password"
	// ReasonCipher: the encryption is of a kind that is not known here.
	ReasonCipher Reason = "cipher"
	// ReasonExists: the file exists, and was not to be replaced.
	ReasonExists Reason = "exists"
	// ReasonWrite: the file could not be written.
	ReasonWrite Reason = "write"
)

// The reasons of making keys and certificates.
const (
	// ReasonKeyKind: the key is of a kind or curve that is not supported.
	ReasonKeyKind Reason = "key kind"
	// ReasonWeakKey: the key is too short to be safe.
	ReasonWeakKey Reason = "weak key"
	// ReasonMismatch: the private key is not that of the certificate.
	ReasonMismatch Reason = "mismatch"
	// ReasonProfile: the profile is not known.
	ReasonProfile Reason = "profile"
	// ReasonValidity: a duration, an instant or a period of validity is no good.
	ReasonValidity Reason = "validity"
	// ReasonName: an alternative name is no good, or is needed.
	ReasonName Reason = "name"
	// ReasonIssuer: the issuer may not sign this, or is missing, or one too many.
	ReasonIssuer Reason = "issuer"
	// ReasonRequest: the request is not signed with its own key.
	ReasonRequest Reason = "request"
	// ReasonFormat: a format, hash or threshold is not known.
	ReasonFormat Reason = "format"
	// ReasonGenerate: the key or certificate could not be made.
	ReasonGenerate Reason = "generate"
)

// The reasons of verification; [ReasonMismatch] and [ReasonWeakKey] are, too.
const (
	// ReasonExpired: a certificate of the chain has expired.
	ReasonExpired Reason = "expired"
	// ReasonNotYetValid: a certificate of the chain is not valid yet.
	ReasonNotYetValid Reason = "not yet valid"
	// ReasonWrongName: the certificate does not go by the name.
	ReasonWrongName Reason = "wrong name"
	// ReasonUnknownAuthority: the chain ends at an authority that is not trusted.
	ReasonUnknownAuthority Reason = "unknown authority"
	// ReasonIncomplete: an issuer is neither in the chain nor trusted.
	ReasonIncomplete Reason = "incomplete chain"
	// ReasonOrder: all certificates are there, and not leaf first.
	ReasonOrder Reason = "chain order"
	// ReasonUsage: the certificate, or one that issued it, is not for this purpose.
	ReasonUsage Reason = "usage"
	// ReasonConstraint: an issuer does not allow the name or the length of the chain.
	ReasonConstraint Reason = "constraint"
	// ReasonWeakSignature: a signature is made with MD5 or SHA-1.
	ReasonWeakSignature Reason = "weak signature"
)

// An Error is what every function of this package fails with.
type Error struct {
	// Reason is never empty.
	Reason Reason
	// Path is the file, without "file://", or empty.
	Path string
	// Found is the offending value, shortened to 200 bytes, Expected what would
	// have been right. Either may be empty. Neither ever holds key material.
	Found, Expected string
	// Err is the cause, or nil.
	Err error
}

// Error says what failed, with the file, what was found, what was expected and
// the cause.
func (e *Error) Error() string {
	text := e.Reason.what()
	if e.Path != "" {
		text = strconv.Quote(e.Path) + ": " + text
	}
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
func (e *Error) Hint() string { return e.Reason.hint() }

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

// nameOf is a subject as messages show it: short, and without what a terminal
// would obey.
func nameOf(name pkix.Name) string {
	return shorten(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name.String()))
}

// at adds the file to an error of this package.
func at(path string, err error) error {
	own, ok := err.(*Error) //nolint:errorlint // only what this package made a moment ago, never wrapped
	if !ok {
		return err
	}
	located := *own
	located.Path = path
	return &located
}
