package handshake

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// CoreVersion is the version of the go-plugin protocol itself: field 1 of
// every handshake line.
const CoreVersion = 1

// MaxLineBytes is the most a host reads for one line of a plugin's stdout, its
// newline included. A longer line is never seen by a host.
const MaxLineBytes = 64 << 10

// Networks of a handshake line (field 3).
const (
	NetworkUnix = "unix" // the address is the path of a socket
	NetworkTCP  = "tcp"  // the address is host:port
)

// Protocols of a handshake line (field 5).
const (
	ProtocolGRPC   = "grpc"
	ProtocolNetRPC = "netrpc" // net/rpc over yamux; also the meaning of a line of 4 fields
)

const (
	minFields = 4
	maxFields = 7 // hosts ignore what follows

	// unusedText is the longest text of field 6 that hosts do not read as a
	// certificate: older plugins wrote other things there.
	unusedText = 50
)

// Multiplex is field 7 of a handshake line: whether brokered connections share
// the plugin's one connection. The zero value is [MultiplexAbsent].
type Multiplex uint8

// The states of field 7.
const (
	MultiplexAbsent Multiplex = iota // there is no field 7
	MultiplexNo                      // "false"
	MultiplexYes                     // "true"
)

// String returns "absent", or the boolean as the line spells it.
func (m Multiplex) String() string {
	switch m {
	case MultiplexAbsent:
		return "absent"
	case MultiplexNo:
		return "false"
	case MultiplexYes:
		return "true"
	}
	return "multiplex(" + strconv.Itoa(int(m)) + ")"
}

// Line is the handshake line: the one thing a plugin says on its stdout. See
// the go-plugin contract, section 2.
type Line struct {
	// CoreVersion is the version of the go-plugin protocol. It is written as
	// it stands: plugins set the constant [CoreVersion].
	CoreVersion int
	// AppVersion is the version of the application's own protocol, such as 6
	// for Terraform's; see [ChooseVersion].
	AppVersion int
	// Network is [NetworkUnix] or [NetworkTCP].
	Network string
	// Address is the bare path of a socket, or host:port.
	Address string
	// Protocol is [ProtocolGRPC] or [ProtocolNetRPC].
	Protocol string
	// Certificate is the DER of the plugin's certificate, nil for none. Print
	// one only if the host sent its own: hosts of go-plugin that did not ask
	// for one crash on it.
	Certificate []byte
	// Multiplex is field 7. Print one only if the host asked
	// ([Env].MultiplexSet): hosts up to go-plugin 1.5 glue it to field 6.
	Multiplex Multiplex
}

// ParseLine reads a handshake line, with or without its newline and white
// space around it. It checks the shape of every field and nothing about its
// meaning, for which see [Line.Check]; a host that wants both wants
// [AcceptLine].
//
// A line of 4 fields means [ProtocolNetRPC]. Field 6 is a certificate only
// from 51 characters on and is taken padded and unpadded. Fields after the
// seventh are ignored.
//
// Errors are [*Error] with ReasonLineLength, ReasonFieldCount,
// ReasonCoreNumber, ReasonAppNumber, ReasonCertificate or ReasonMultiplex; the
// Line is then zero.
func ParseLine(s string) (Line, error) {
	l, f, err := readLine(s)
	if err == nil {
		err = first(f.core, f.app, f.certificate, f.multiplex)
	}
	if err != nil {
		return Line{}, err
	}
	return l, nil
}

// Format writes the line without its newline: 6 fields, or 7 when Multiplex is
// not MultiplexAbsent, the certificate in unpadded standard base64. What it
// writes, [ParseLine] reads back as the same value.
//
// Errors are [*Error]: ReasonCharacter for a '|' or a control character in a
// field, ReasonCertificate for bytes too few to be read as a certificate,
// ReasonMultiplex for an unknown state, ReasonLineLength.
func (l Line) Format() (string, error) {
	for _, f := range [...]struct{ name, value string }{
		{fieldNetwork, l.Network}, {fieldAddress, l.Address}, {fieldProtocol, l.Protocol},
	} {
		if i := strings.IndexFunc(f.value, isBreaking); i >= 0 {
			return "", &Error{
				Reason: ReasonCharacter, Field: f.name, Found: shorten(f.value, maxFound),
				Expected: `text without "|" and control characters`,
				Err:      fmt.Errorf("byte %d cannot be written", i),
			}
		}
	}
	certificate := base64.RawStdEncoding.EncodedLen(len(l.Certificate))
	if certificate > 0 && certificate <= unusedText {
		return "", shortCertificate(base64.RawStdEncoding.EncodeToString(l.Certificate))
	}
	b := make([]byte, 0, 64+len(l.Address)+certificate)
	b = strconv.AppendInt(b, int64(l.CoreVersion), 10)
	b = strconv.AppendInt(append(b, '|'), int64(l.AppVersion), 10)
	b = append(append(b, '|'), l.Network...)
	b = append(append(b, '|'), l.Address...)
	b = append(append(b, '|'), l.Protocol...)
	b = base64.RawStdEncoding.AppendEncode(append(b, '|'), l.Certificate)
	switch l.Multiplex {
	case MultiplexAbsent:
	case MultiplexNo, MultiplexYes:
		b = append(append(b, '|'), l.Multiplex.String()...)
	default:
		return "", badMultiplex(l.Multiplex.String(), errors.New("no such state"))
	}
	if len(b) >= MaxLineBytes {
		return "", longLine(string(b))
	}
	return string(b), nil
}

// isBreaking reports whether a character would end a field or the line.
func isBreaking(r rune) bool { return r == '|' || unicode.IsControl(r) }

// faults are the fields whose shape is wrong, each of which a host meets at
// its own place among its checks.
type faults struct {
	core, app, certificate, multiplex *Error
}

// first returns the error that comes first, or nil.
func first(errs ...*Error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

// readLine splits a line and reads every field that can be read.
func readLine(s string) (Line, faults, error) {
	if len(strings.TrimSuffix(s, "\n")) >= MaxLineBytes {
		return Line{}, faults{}, longLine(s)
	}
	s = strings.TrimSpace(s)
	if strings.Contains(s, "\n") {
		return Line{}, faults{}, manyLines(s)
	}
	field, n := splitFields(s)
	if n < minFields {
		return Line{}, faults{}, fewFields(s, n)
	}
	l := Line{Network: field[2], Address: field[3], Protocol: ProtocolNetRPC}
	if n > 4 {
		l.Protocol = field[4]
	}
	var f faults
	var err error
	if l.CoreVersion, err = strconv.Atoi(field[0]); err != nil {
		f.core = badCore(field[0], err)
	}
	if l.AppVersion, err = strconv.Atoi(field[1]); err != nil {
		f.app = badApp(field[1], err)
	}
	l.Certificate, f.certificate = readCertificate(field[5])
	if n >= maxFields {
		l.Multiplex, f.multiplex = readMultiplex(field[6])
	}
	return l, f, nil
}

// splitFields cuts a line at '|' and counts the fields, at most 7.
func splitFields(s string) (field [maxFields]string, n int) {
	for more := true; more && n < maxFields; n++ {
		field[n], s, more = strings.Cut(s, "|")
	}
	return field, n
}

// readCertificate decodes field 6.
func readCertificate(text string) ([]byte, *Error) {
	if len(text) <= unusedText {
		return nil, nil
	}
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.StdEncoding
	}
	der, err := encoding.DecodeString(text)
	if err != nil {
		return nil, badBase64(text, err)
	}
	if base64.RawStdEncoding.EncodedLen(len(der)) <= unusedText {
		return nil, shortCertificate(text)
	}
	return der, nil
}

// readMultiplex reads field 7 as hosts do: any boolean of strconv.
func readMultiplex(text string) (Multiplex, *Error) {
	yes, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		e := badMultiplex(text, errNoBoolean)
		e.Expected = `"true" or "false"`
		return MultiplexAbsent, e
	case yes:
		return MultiplexYes, nil
	}
	return MultiplexNo, nil
}
