package handshake

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxFound is the longest value, in bytes, that an error repeats.
const maxFound = 200

// Reason says which check failed. The set is closed; values are stable and
// fit for machine-readable output.
type Reason string

// The checks of a host, in the order a host makes them. See the go-plugin
// contract, section 2.
const (
	ReasonTimeout     Reason = "timeout"      // no line within the start timeout
	ReasonExited      Reason = "exited"       // the process ended before its line
	ReasonLineLength  Reason = "line-length"  // the line does not fit into MaxLineBytes
	ReasonFieldCount  Reason = "field-count"  // fewer than 4 fields, or more than one line
	ReasonCoreNumber  Reason = "core-number"  // field 1 is no whole number
	ReasonCoreVersion Reason = "core-version" // field 1 is not CoreVersion
	ReasonAppNumber   Reason = "app-number"   // field 2 is no whole number
	ReasonAppVersion  Reason = "app-version"  // field 2 was not offered by the host
	ReasonNetwork     Reason = "network"      // field 3 is unknown or not taken by the host
	ReasonAddress     Reason = "address"      // field 4 is no TCP address
	ReasonProtocol    Reason = "protocol"     // field 5 is not allowed by the host
	ReasonCertificate Reason = "certificate"  // field 6 is no certificate
	ReasonMultiplex   Reason = "multiplex"    // field 7 is missing, false or no boolean
)

// The other checks of this package.
const (
	ReasonCharacter       Reason = "character"        // a field cannot be written into a line
	ReasonEnvPort         Reason = "env-port"         // a port variable is no port
	ReasonEnvPortRange    Reason = "env-port-range"   // the lowest port is above the highest
	ReasonCookie          Reason = "cookie"           // the magic cookie is missing or another one
	ReasonReattachSyntax  Reason = "reattach-syntax"  // no JSON, or JSON of another shape
	ReasonReattachValue   Reason = "reattach-value"   // a member other than the address is wrong
	ReasonReattachAddress Reason = "reattach-address" // the address is missing, unknown or malformed
)

// The checks of AutoMTLS, which need to know whether the host asked for it; see
// [Judge].
const (
	ReasonCertificateMissing Reason = "certificate-missing" // it did, and field 6 is empty
	ReasonCertificateUnasked Reason = "certificate-unasked" // it did not, and field 6 has one
)

// What [CheckEnv] and [CheckLeaks] find beside ports, cookie and reattach.
const (
	ReasonEnvVersions    Reason = "env-versions"    // an offered version is no number
	ReasonEnvMultiplex   Reason = "env-multiplex"   // no boolean
	ReasonEnvCertificate Reason = "env-certificate" // the host's certificate is of no use
	ReasonEnvTransports  Reason = "env-transports"  // a network nobody knows
	ReasonEnvSocketDir   Reason = "env-socket-dir"  // no sockets can be made there
	ReasonEnvLeaked      Reason = "env-leaked"      // set, though no host has started us
)

// Names of the fields of a line, as errors give them.
const (
	fieldLine        = "line"
	fieldCore        = "core version"
	fieldApp         = "app version"
	fieldNetwork     = "network"
	fieldAddress     = "address"
	fieldProtocol    = "protocol"
	fieldCertificate = "certificate"
	fieldMultiplex   = "multiplexing"
)

// Error is the error of every function of this package. It names the value
// that failed and the one that was wanted. Get it with [errors.As].
type Error struct {
	// Reason is the check that failed.
	Reason Reason
	// Field names the checked thing: a field of the line ("app version"), an
	// environment variable, or a member of the reattach JSON.
	Field string
	// Found is the value as found, not quoted, shortened to at most 200
	// bytes. It is empty when there was none, and always for a cookie, whose
	// value is not repeated.
	Found string
	// Expected describes what would have passed, ready to be read after the
	// word "expected": literal values in it are quoted.
	Expected string
	// Err is the cause, if there is one beyond the value itself.
	Err error

	advice string // replaces the reason's general hint
}

// TimeoutError returns the error of a host whose plugin printed no handshake
// line within the start timeout. It wraps [ErrTimeout].
func TimeoutError(waited time.Duration) *Error {
	return &Error{
		Reason:   ReasonTimeout,
		Field:    fieldLine,
		Found:    "nothing on stdout within " + waited.String(),
		Expected: `a first line like "1|6|unix|/path|grpc|"`,
	}
}

// ExitedError returns the error of a host whose plugin ended before it printed
// a handshake line. The status completes the sentence "the plugin …", such as
// "exited with status 3" or "was killed by SIGKILL".
func ExitedError(status string) *Error {
	return &Error{
		Reason:   ReasonExited,
		Field:    fieldLine,
		Found:    shorten("a plugin that "+status, maxFound),
		Expected: `a first line like "1|6|unix|/path|grpc|"`,
	}
}

// Error returns one line: lower case, the found value quoted and of bounded
// length, the expected one named.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.subject())
	switch {
	case e.Reason == ReasonTimeout || e.Reason == ReasonExited:
		b.WriteString(": found " + bare(e.Found))
	case e.Found != "":
		b.WriteString(" is " + quote(e.Found))
	case e.Err != nil:
		b.WriteString(" is " + e.Err.Error())
	default:
		b.WriteString(" is empty")
	}
	if e.Expected != "" {
		b.WriteString(", expected " + e.Expected)
	}
	if e.Err != nil && e.Found != "" {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the target is an [*Error] of the same reason that says no
// more than its reason, so that errors.Is(err, &Error{Reason: ReasonCookie})
// asks for one check.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Reason == e.Reason && t.Field == "" && t.Found == "" && t.Expected == "" && t.Err == nil
}

// subject is what the sentence of the error is about.
func (e *Error) subject() string {
	switch e.Reason {
	case ReasonTimeout, ReasonExited:
		return "no handshake line"
	case ReasonEnvPort, ReasonEnvPortRange, ReasonEnvVersions, ReasonEnvMultiplex, ReasonEnvCertificate,
		ReasonEnvTransports, ReasonEnvSocketDir, ReasonEnvLeaked:
		return "environment: " + e.Field
	case ReasonCookie:
		return "magic cookie: " + e.Field
	case ReasonReattachSyntax, ReasonReattachValue, ReasonReattachAddress:
		return "reattach: " + e.Field
	default: // all others are about the line
	}
	if e.Field == fieldLine || e.Field == "" {
		return "handshake line"
	}
	if n := fieldNumber(e.Field); n > 0 {
		return "handshake line: " + e.Field + " (field " + strconv.Itoa(n) + ")"
	}
	return "handshake line: " + e.Field
}

// fieldNumber returns the position of a field in the line, from 1, or 0.
func fieldNumber(field string) int {
	for i, name := range [...]string{
		fieldCore, fieldApp, fieldNetwork, fieldAddress, fieldProtocol, fieldCertificate, fieldMultiplex,
	} {
		if name == field {
			return i + 1
		}
	}
	return 0
}

// shorten cuts a value to at most limit bytes between two characters.
func shorten(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	cut := limit - len(mark)
	for back := 0; back < utf8.UTFMax-1 && !utf8.RuneStart(s[cut]); back++ {
		cut--
	}
	return s[:cut] + mark
}

// quote returns the value in Go's quotes, in at most 200 bytes.
func quote(s string) string {
	for limit := maxFound; ; limit = limit * 3 / 4 {
		if q := strconv.Quote(shorten(s, limit)); len(q) <= maxFound {
			return q
		}
	}
}

// bare returns the value without quotes if it needs none.
func bare(s string) string {
	if q := quote(s); q[1:len(q)-1] != s {
		return q
	}
	return s
}

// quoteAll lists values for people: "5", or "unix" or "tcp", or one of many.
func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	if len(quoted) > 2 {
		return "one of " + strings.Join(quoted, ", ")
	}
	return strings.Join(quoted, " or ")
}

// numberFault takes the reason out of an error of strconv, whose text would
// repeat the value.
func numberFault(err error) error {
	if e, ok := errors.AsType[*strconv.NumError](err); ok {
		return e.Err
	}
	return err
}
