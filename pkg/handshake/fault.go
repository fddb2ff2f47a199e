package handshake

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Causes that need no more words than these.
var (
	errMissing   = errors.New("missing")
	errNoBoolean = errors.New("no boolean")
	errScheme    = errors.New("it has a scheme")
	errPath      = errors.New("it is a path")
	errBrackets  = errors.New("IPv6 without brackets, or without a port")
	errHost      = errors.New("no host name")
	errPortZero  = errors.New("port 0 cannot be dialed")
	errTooShort  = errors.New("too short for a certificate")
	errManyLines = errors.New("more than one line")
)

const (
	expectedLine = `at least 4 fields separated by "|", such as "1|6|unix|/path|grpc|"`

	// maxCertificateFound is how much of a certificate is worth repeating.
	maxCertificateFound = 64
)

func longLine(line string) *Error {
	return &Error{
		Reason: ReasonLineLength, Field: fieldLine, Found: shorten(line, maxFound),
		Expected: "fewer than " + strconv.Itoa(MaxLineBytes) + " bytes",
		Err:      fmt.Errorf("it has %d", len(line)),
	}
}

func manyLines(text string) *Error {
	return &Error{
		Reason: ReasonFieldCount, Field: fieldLine, Found: shorten(text, maxFound),
		Expected: "a single line", Err: errManyLines,
		advice: "a host reads the first line of stdout and nothing after it: give that line alone",
	}
}

// fewFields is what becomes of all output that was never meant as a handshake,
// so it guesses what that output is.
func fewFields(line string, n int) *Error {
	e := &Error{
		Reason: ReasonFieldCount, Field: fieldLine, Found: shorten(line, maxFound), Expected: expectedLine,
	}
	_, e.advice = Recognize(line)
	if line == "" {
		return e
	}
	e.Err = fmt.Errorf("it has %d", n)
	return e
}

func badCore(text string, err error) *Error {
	return &Error{
		Reason: ReasonCoreNumber, Field: fieldCore, Found: shorten(text, maxFound),
		Expected: strconv.Quote(strconv.Itoa(CoreVersion)), Err: numberFault(err), advice: numberAdvice(text),
	}
}

func badApp(text string, err error) *Error {
	return &Error{
		Reason: ReasonAppNumber, Field: fieldApp, Found: shorten(text, maxFound),
		Expected: `a whole number, such as "6"`, Err: numberFault(err), advice: numberAdvice(text),
	}
}

// numberAdvice knows how a number in a line gets spoiled.
func numberAdvice(text string) string {
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return "the line starts with a byte order mark: write plain UTF-8 without one"
	case strings.Contains(text, "\x00"):
		return "the line is written in UTF-16: write plain UTF-8"
	case strings.Contains(text, "\x1b"):
		return "the line has terminal colors in it: write it without them"
	case text != "" && strings.TrimSpace(text) != text:
		return "print the fields without spaces around them"
	}
	return ""
}

func badBase64(text string, err error) *Error {
	e := &Error{
		Reason: ReasonCertificate, Field: fieldCertificate, Found: shorten(text, maxCertificateFound),
		Expected: "DER in unpadded standard base64", Err: err,
	}
	switch {
	case strings.Contains(text, "-----BEGIN"):
		e.advice = "this is PEM: print the base64 between its BEGIN and END lines, without line breaks"
	case strings.ContainsAny(text, "-_"):
		e.advice = `this is the URL-safe alphabet: use the standard one, with "+" and "/"`
	}
	return e
}

func shortCertificate(text string) *Error {
	return &Error{
		Reason: ReasonCertificate, Field: fieldCertificate, Found: shorten(text, maxCertificateFound),
		Expected: "DER in unpadded standard base64, longer than " + strconv.Itoa(unusedText) + " characters",
		Err:      errTooShort,
	}
}

func badDER(der []byte, err error) *Error {
	e := &Error{
		Reason: ReasonCertificate, Field: fieldCertificate,
		Found:    strconv.Itoa(len(der)) + " bytes that are no certificate",
		Expected: "the DER of an X.509 certificate", Err: err,
		advice: "the base64 is fine, its content is not: encode the DER of the certificate itself, " +
			"neither its key nor a part of it",
	}
	if bytes.HasPrefix(der, []byte("-----BEGIN")) {
		e.Found = shorten(string(der), maxCertificateFound)
		e.advice = "this is PEM encoded once more: print the base64 between its BEGIN and END lines, without line breaks"
	}
	return e
}

func badMultiplex(text string, err error) *Error {
	return &Error{
		Reason: ReasonMultiplex, Field: fieldMultiplex, Found: shorten(text, maxFound),
		Expected: `"true"`, Err: err,
	}
}

// addressFault takes the reason out of an error of net, whose text would
// repeat the address.
func addressFault(err error) error {
	if e, ok := errors.AsType[*net.AddrError](err); ok {
		return errors.New(e.Err)
	}
	return err
}

func portFault(port string, err error) error {
	return fmt.Errorf("port %s: %w", quote(port), numberFault(err))
}
