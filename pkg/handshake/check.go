package handshake

import (
	"crypto/x509"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Expectation is what a host takes from a plugin. The zero value is a gRPC
// host that takes any app version, either network, and does not multiplex.
type Expectation struct {
	// AppVersions are the versions the host offered. Empty means that any
	// version passes, which only tools want.
	AppVersions []int
	// Networks are the allowed networks; nil means unix and tcp.
	Networks []string
	// Protocols are the allowed protocols; nil means grpc alone.
	Protocols []string
	// Multiplex asks for multiplexed broker connections: a gRPC plugin must
	// then say true in field 7.
	Multiplex bool
}

// networks are those that the host takes.
func (e Expectation) networks() []string {
	if e.Networks == nil {
		return []string{NetworkUnix, NetworkTCP}
	}
	return e.Networks
}

// Check makes the checks of a host on a line that was parsed, in a host's
// order: core version, app version, network, TCP address, protocol,
// certificate, multiplexing. It does not resolve names and does not connect.
//
// As in go-plugin an empty unix path passes, and field 7 counts only where
// multiplexing was asked for and the protocol is gRPC. Stricter than go-plugin
// are ports, which must be a number from 1 to 65535.
//
// Errors are [*Error] with ReasonCoreVersion, ReasonAppVersion, ReasonNetwork,
// ReasonAddress, ReasonProtocol, ReasonCertificate or ReasonMultiplex.
func (l Line) Check(e Expectation) error {
	return l.check(e, faults{})
}

// AcceptLine reads a line as a host does: parse and check in one, so that the
// first thing wrong in a host's order is the one reported. [ParseLine] and
// [Line.Check] one after the other would report a malformed certificate before
// a core version nobody speaks. A field 7 that is no boolean is an error only
// if multiplexing was asked for; else it counts as absent.
//
// Errors are those of [ParseLine] and [Line.Check]; the Line is then zero.
func AcceptLine(s string, e Expectation) (Line, error) {
	l, f, err := readLine(s)
	if err == nil {
		err = l.check(e, f)
	}
	if err != nil {
		return Line{}, err
	}
	return l, nil
}

// check makes a host's checks, with each fault of shape at its place.
func (l Line) check(e Expectation, f faults) error {
	return first(
		f.core, l.checkCore(e),
		f.app, l.checkApp(e),
		l.checkNetwork(e),
		l.checkAddress(),
		l.checkProtocol(e),
		f.certificate, l.checkCertificate(),
		l.checkMultiplex(e, f.multiplex),
	)
}

func (l Line) checkCore(e Expectation) *Error {
	if l.CoreVersion == CoreVersion {
		return nil
	}
	err := &Error{
		Reason: ReasonCoreVersion, Field: fieldCore,
		Found: strconv.Itoa(l.CoreVersion), Expected: strconv.Quote(strconv.Itoa(CoreVersion)),
	}
	if l.AppVersion == CoreVersion && slices.Contains(e.AppVersions, l.CoreVersion) {
		err.advice = "the first two fields look swapped: the core version, 1, comes before the app version"
	}
	return err
}

func (l Line) checkApp(e Expectation) *Error {
	if len(e.AppVersions) == 0 || slices.Contains(e.AppVersions, l.AppVersion) {
		return nil
	}
	offered := make([]string, len(e.AppVersions))
	for i, v := range e.AppVersions {
		offered[i] = strconv.Itoa(v)
	}
	return &Error{
		Reason: ReasonAppVersion, Field: fieldApp,
		Found: strconv.Itoa(l.AppVersion), Expected: quoteAll(offered),
	}
}

func (l Line) checkNetwork(e Expectation) *Error {
	known, taken := []string{NetworkUnix, NetworkTCP}, e.networks()
	if slices.Contains(known, l.Network) && slices.Contains(taken, l.Network) {
		return nil
	}
	err := &Error{
		Reason: ReasonNetwork, Field: fieldNetwork,
		Found: shorten(l.Network, maxFound), Expected: quoteAll(taken),
	}
	if slices.Contains(known, l.Network) {
		err.advice = "this host takes the other network only: let the plugin listen there, or allow " +
			strconv.Quote(l.Network) + " in the host (plugins read PLUGIN_TRANSPORTS)"
	}
	return err
}

func (l Line) checkAddress() *Error {
	if l.Network != NetworkTCP {
		return nil
	}
	advice, err := tcpFault(l.Address)
	if err == nil {
		return nil
	}
	return &Error{
		Reason: ReasonAddress, Field: fieldAddress, Found: shorten(l.Address, maxFound),
		Expected: expectedTCP, Err: err, advice: advice,
	}
}

func (l Line) checkProtocol(e Expectation) *Error {
	allowed := e.Protocols
	if allowed == nil {
		allowed = []string{ProtocolGRPC}
	}
	if slices.Contains(allowed, l.Protocol) {
		return nil
	}
	err := &Error{
		Reason: ReasonProtocol, Field: fieldProtocol,
		Found: shorten(l.Protocol, maxFound), Expected: quoteAll(allowed),
	}
	switch l.Protocol {
	case ProtocolGRPC:
		err.advice = "the plugin speaks gRPC, which this host does not: allow it in the host"
	case ProtocolNetRPC:
		err.advice = `the plugin speaks net/rpc, which this host does not; if it does serve gRPC, its line has ` +
			`no field 5, which means net/rpc: print "grpc" there (Go plugins: set GRPCServer)`
	}
	return err
}

func (l Line) checkCertificate() *Error {
	if len(l.Certificate) == 0 {
		return nil
	}
	if _, err := x509.ParseCertificate(l.Certificate); err != nil {
		return badDER(l.Certificate, err)
	}
	return nil
}

func (l Line) checkMultiplex(e Expectation, malformed *Error) *Error {
	switch {
	case !e.Multiplex || l.Protocol != ProtocolGRPC:
		return nil
	case malformed != nil:
		return badMultiplex(malformed.Found, errNoBoolean)
	case l.Multiplex == MultiplexYes:
		return nil
	case l.Multiplex == MultiplexAbsent:
		return badMultiplex("", errMissing)
	}
	return badMultiplex(l.Multiplex.String(), nil)
}

const expectedTCP = "host:port with a port from 1 to 65535"

// tcpFault says what is wrong with a TCP address and what to do about it. It
// resolves nothing; an empty host is this machine.
func tcpFault(address string) (advice string, err error) {
	if strings.Contains(address, "://") {
		return "print host:port alone, without a scheme", errScheme
	}
	if strings.HasPrefix(address, "/") {
		return `this looks like the path of a socket: its network is "unix"`, errPath
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		if ip := net.ParseIP(address); ip != nil && strings.Contains(address, ":") {
			return "an IPv6 address stands in brackets, such as [::1]:10000", errBrackets
		}
		return "print the listener's own address, such as 127.0.0.1:10000", addressFault(err)
	}
	if strings.ContainsAny(host, " \t/@") {
		return "print a plain IP address or host name before the port", errHost
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		return "print the port as a number", portFault(port, err)
	case n == 0:
		return "0 is the port that was asked for: print the one the listener got", errPortZero
	}
	return "", nil
}
