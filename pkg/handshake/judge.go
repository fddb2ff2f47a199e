package handshake

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Verdict is what hosts make of one line.
type Verdict struct {
	// Line is what could be read of it; zero of what is no line.
	Line Line
	// Err is why a host of this module does not take it, nil if it does.
	Err *Error
	// GoPlugin is what becomes of the plugin under a host of go-plugin v1.8.0.
	GoPlugin Outcome
	// GoPluginSays is that host's whole error if it refuses the line, without
	// the notes on the plugin's file that follow some errors; a piece of the
	// message if a call fails or the host crashes; "" if the plugin starts.
	GoPluginSays string
}

// Fine reports whether hosts of both makes take the line.
func (v Verdict) Fine() bool { return v.Err == nil && v.GoPlugin == OutcomeStarts }

// errPadded is why go-plugin does not take a certificate that we do.
var errPadded = errors.New("padded, which hosts of go-plugin do not take")

// Fault is the first thing wrong for hosts of either make, nil if nothing is.
func (v Verdict) Fault() *Error {
	switch {
	case v.Err != nil:
		return v.Err
	case v.GoPlugin == OutcomeStarts:
		return nil
	case v.Line.Network == NetworkUnix && v.Line.Address == "":
		return &Error{
			Reason: ReasonAddress, Field: fieldAddress, Expected: "the path of a socket", Err: errMissing,
			advice: "print the path of the socket that the plugin listens at",
		}
	case len(v.Line.Certificate) > 0:
		return &Error{
			Reason: ReasonCertificate, Field: fieldCertificate, Found: strconv.Itoa(len(v.Line.Certificate)) + " bytes in base64 with padding",
			Expected: "DER in unpadded standard base64", Err: errPadded,
			advice: `take the "=" off the end of field 6 (Python: base64.b64encode(der).rstrip(b'='))`,
		}
	}
	return &Error{Reason: ReasonAddress, Field: fieldAddress, Found: v.Line.Address, Expected: expectedTCP}
}

// Judge is what hosts of this module and of go-plugin make of the first line of a
// plugin's stdout: hosts that expect what e says, and that did or did not ask for
// AutoMTLS, by sending their certificate. The text may go on after the first
// line: a handshake line further down is part of the advice.
//
// Errors are those of [AcceptLine], and of AutoMTLS ReasonCertificateMissing and
// ReasonCertificateUnasked.
func Judge(text string, e Expectation, autoMTLS bool) Verdict {
	var v Verdict
	v.GoPlugin, v.GoPluginSays = goPlugin(text, e, autoMTLS)
	first, _, _ := strings.Cut(text, "\n")
	line, faults, err := readLine(first)
	if err == nil {
		v.Line = line
		err = line.check(e, faults)
	}
	if fault, ok := errors.AsType[*Error](err); ok {
		v.Err = advised(fault, text)
		return v
	}
	v.Err = line.checkAutoMTLS(autoMTLS)
	return v
}

// advised adds what the whole output looks like to an error of its first line.
func advised(fault *Error, output string) *Error {
	switch fault.Reason {
	case ReasonFieldCount, ReasonCoreNumber, ReasonLineLength:
	default:
		return fault
	}
	if _, advice := Recognize(output); advice != "" {
		better := *fault
		better.advice = advice
		return &better
	}
	return fault
}

func (l Line) checkAutoMTLS(asked bool) *Error {
	switch has := len(l.Certificate) > 0; {
	case asked && !has:
		return &Error{
			Reason: ReasonCertificateMissing, Field: fieldCertificate,
			Expected: "the plugin's certificate: the host asked for AutoMTLS", Err: errMissing,
		}
	case has && !asked:
		return &Error{
			Reason: ReasonCertificateUnasked, Field: fieldCertificate, Found: strconv.Itoa(len(l.Certificate)) + " bytes of a certificate",
			Expected: "nothing: the host did not ask for AutoMTLS",
		}
	}
	return nil
}

// NoLine is what hosts make of a plugin whose first line did not come, for an
// error of [TimeoutError] or [ExitedError].
func NoLine(err *Error) Verdict {
	v := Verdict{Err: err, GoPlugin: OutcomeRefused, GoPluginSays: saysTimeout}
	if err.Reason == ReasonExited {
		v.GoPluginSays = fmt.Sprintf(saysUnrecognized, "") + "\n" + saysNoLine
	}
	return v
}
