package transport

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// The networks an [Endpoint] can be on, spelled as in the NETWORK field of the
// handshake line (go-plugin contract, section 2).
const (
	NetworkUnix = "unix"
	NetworkTCP  = "tcp"
)

// Endpoint is the place a plugin listens at: the NETWORK and ADDRESS fields of
// a handshake line. Its zero value is no endpoint.
type Endpoint struct {
	// Network is [NetworkUnix] or [NetworkTCP].
	Network string
	// Address is the bare path of a socket, or host:port with an IPv6 host in
	// brackets.
	Address string
}

// ParseEndpoint reads an endpoint in any spelling people and gRPC use:
//
//	/run/p.sock  ./p.sock                    a path
//	unix:/run/p.sock  unix:p.sock            gRPC's scheme
//	unix:///run/p.sock                       the same with an empty authority
//	127.0.0.1:1234  [::1]:1234  localhost:1234
//	tcp:127.0.0.1:1234  tcp://127.0.0.1:1234
//
// White space around it is dropped. As in gRPC, an absolute path after "unix:" is
// percent-decoded, a relative one and a bare one are taken as they are. A relative path gets a leading "./", so
// that what [Endpoint.String] gives is read back the same. Ports are 1–65535.
// The error is an [*Error] with [ReasonAddress].
func ParseEndpoint(s string) (Endpoint, error) {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "unix:"); ok {
		return parseUnixTarget(s, rest)
	}
	if looksLikePath(s) {
		return parsePath(s, s)
	}
	rest := strings.TrimPrefix(s, "tcp:")
	if len(rest) < len(s) {
		rest = strings.TrimPrefix(rest, "//")
	}
	address, err := parseHostPort(rest)
	if err != nil {
		return Endpoint{}, err
	}
	return Endpoint{Network: NetworkTCP, Address: address}, nil
}

// looksLikePath tells a bare path from host:port.
func looksLikePath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") ||
		strings.HasPrefix(s, "../") || filepath.IsAbs(s)
}

// parseUnixTarget reads what follows "unix:" in whole.
func parseUnixTarget(whole, rest string) (Endpoint, error) {
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		if !strings.HasPrefix(authority, "/") {
			return Endpoint{}, &Error{
				Reason: ReasonAddress, Found: whole,
				Expected: `an absolute path after "unix://", as in "unix:///run/p.sock"`,
			}
		}
		rest = authority
	}
	if !strings.HasPrefix(rest, "/") {
		return parsePath(whole, rest)
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return Endpoint{}, &Error{
			Reason: ReasonAddress, Found: whole,
			Expected: `"%25" for a percent sign, or the path without "unix:"`, Err: err,
		}
	}
	return parsePath(whole, path)
}

// parsePath checks the path of a socket; whole is what the user wrote.
func parsePath(whole, path string) (Endpoint, error) {
	if path == "" || strings.ContainsFunc(path, isControl) {
		return Endpoint{}, &Error{
			Reason: ReasonAddress, Found: whole, Expected: "the path of a socket",
		}
	}
	if !looksLikePath(path) {
		path = "./" + path
	}
	return Endpoint{Network: NetworkUnix, Address: path}, nil
}

// isControl reports what no address can hold: control characters.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// parseHostPort checks and tidies host:port.
func parseHostPort(s string) (string, error) {
	bad := &Error{
		Reason: ReasonAddress, Found: s,
		Expected: `"/path", "unix:/path" or "host:port" with a port of 1-65535`,
	}
	host, service, err := net.SplitHostPort(s)
	if err != nil {
		bad.Err = err
		return "", bad
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 || !validHost(host) {
		return "", bad
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), nil
}

// validHost accepts IP addresses, zones included, and host names.
func validHost(host string) bool {
	if strings.Contains(host, ":") {
		_, err := netip.ParseAddr(host)
		return err == nil && !strings.ContainsFunc(host, isForeignToHost)
	}
	return host != "" && !strings.ContainsFunc(host, isForeignToHost)
}

// isForeignToHost reports characters that neither a name nor an address has.
func isForeignToHost(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\|@?#[]"'<>,;`, r)
}

// String is the endpoint as the ADDRESS field writes it: the bare path, or
// host:port.
func (e Endpoint) String() string { return e.Address }

// Target is the endpoint as a gRPC target, for grpc.NewClient in any language:
// "unix:/run/p.sock", or host:port. Characters that a URI gives a meaning to
// are percent-encoded in an absolute path; gRPC decodes them. In a relative one
// it does not, so "?" and "#" there make a target that gRPC misreads. The paths
// of a [Listener] are absolute.
func (e Endpoint) Target() string {
	if e.Network != NetworkUnix {
		return e.Address
	}
	if !strings.HasPrefix(e.Address, "/") {
		return "unix:" + e.Address
	}
	path := (&url.URL{Path: e.Address}).EscapedPath()
	if strings.HasPrefix(path, "//") {
		return "unix://" + path // else its first name would be an authority
	}
	return "unix:" + path
}

// check says whether e can be dialed on the network.
func (e Endpoint) check(network string) error {
	if e.Network != network {
		return &Error{
			Reason: ReasonAddress, Found: e.Network + " " + e.Address,
			Expected: "an endpoint on network " + strconv.Quote(network),
		}
	}
	if network == NetworkTCP {
		_, err := parseHostPort(e.Address)
		return err
	}
	if e.Address == "" || strings.ContainsRune(e.Address, 0) {
		return &Error{Reason: ReasonAddress, Found: e.Address, Expected: "the path of a socket"}
	}
	return checkPathLength(e.Address)
}
