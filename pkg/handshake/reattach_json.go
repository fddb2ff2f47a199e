package handshake

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reattachJSON is a configuration as read; the address is read later, when its
// spelling is known.
type reattachJSON struct {
	Protocol        string
	ProtocolVersion int
	Pid             int
	Test            bool
	Addr            json.RawMessage
}

// addrJSON holds the members of every spelling of an address. Pointers tell
// which are there.
type addrJSON struct {
	Network, String *string // Terraform's
	Name, Net       *string // Go's net.UnixAddr
	IP              *string // Go's net.TCPAddr
	Port            *int
	Zone            string
}

// terraformJSON is one entry of TF_REATTACH_PROVIDERS.
type terraformJSON struct {
	Protocol        string
	ProtocolVersion int
	Pid             int
	Test            bool
	Addr            terraformAddr
}

type terraformAddr struct{ Network, String string }

// goUnixAddr and goTCPAddr are spelled as encoding/json spells net.UnixAddr
// and net.TCPAddr.
type (
	goUnixAddr struct{ Name, Net string }
	goTCPAddr  struct {
		IP   string
		Port int
		Zone string
	}
)

// terraform returns the configuration in Terraform's spelling.
func (r Reattach) terraform() terraformJSON {
	return terraformJSON{r.Protocol, r.ProtocolVersion, r.Pid, r.Test, terraformAddr{r.Network, r.Address}}
}

// goAddr returns the address in Go's spelling.
func (r Reattach) goAddr() (any, *Error) {
	if r.Network == NetworkUnix {
		return goUnixAddr{Name: r.Address, Net: NetworkUnix}, nil
	}
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		return nil, badAddr(r.Address, expectedTCP, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, badAddr(r.Address, expectedTCP, numberFault(err))
	}
	if host == "" {
		return goTCPAddr{Port: number}, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		e := badAddr(r.Address, "an IP address and a port", errHostName)
		e.advice = "Go's spelling has no place for a host name: use the address it stands for, such as 127.0.0.1"
		return nil, e
	}
	return goTCPAddr{IP: ip.WithZone("").String(), Port: number, Zone: ip.Zone()}, nil
}

var (
	errHostName = errors.New("a host name")
	errSpelling = errors.New("members of two spellings, or of none")
	errNotUTF8  = errors.New("no UTF-8, which JSON needs")
)

// check refuses what no host can use, and what JSON cannot carry.
func (r Reattach) check() error {
	switch {
	case r.Protocol != "" && r.Protocol != ProtocolGRPC && r.Protocol != ProtocolNetRPC:
		return badMember("Protocol", r.Protocol, quoteAll([]string{ProtocolGRPC, ProtocolNetRPC}))
	case r.ProtocolVersion < 0:
		return badMember("ProtocolVersion", strconv.Itoa(r.ProtocolVersion), "a version from 1, or 0 for 5")
	case r.Pid < 0:
		return badMember("Pid", strconv.Itoa(r.Pid), "the plugin's process id, or 0 if it is not known")
	case r.Network != NetworkUnix && r.Network != NetworkTCP:
		e := badAddr(r.Network, quoteAll([]string{NetworkUnix, NetworkTCP}), nil)
		e.Field = "network of Addr"
		return e
	case r.Address == "":
		return badAddr("", "the path of a socket, or "+expectedTCP, nil)
	case !utf8.ValidString(r.Address):
		return badAddr(r.Address, "the path of a socket in UTF-8", errNotUTF8)
	case r.Network == NetworkUnix:
		return nil
	}
	if advice, err := tcpFault(r.Address); err != nil {
		e := badAddr(r.Address, expectedTCP, err)
		e.advice = advice
		return e
	}
	return nil
}

// reattach reads the address in whichever spelling it has.
func (in reattachJSON) reattach() (Reattach, *Error) {
	r := Reattach{Protocol: in.Protocol, ProtocolVersion: in.ProtocolVersion, Pid: in.Pid, Test: in.Test}
	if len(in.Addr) == 0 || string(in.Addr) == "null" {
		return r, badAddr("", "the address at which the plugin listens", errMissing)
	}
	var a addrJSON
	if err := json.Unmarshal(in.Addr, &a); err != nil {
		return r, badAddr(string(in.Addr), "one spelling of an address", addrFault(err))
	}
	terraform := a.Network != nil && a.String != nil
	goUnix := a.Name != nil && a.Net != nil
	goTCP := a.IP != nil && a.Port != nil
	switch {
	case terraform && a.Name == nil && a.Net == nil && a.IP == nil && a.Port == nil:
		r.Network, r.Address = *a.Network, *a.String
	case goUnix && a.Network == nil && a.String == nil && a.IP == nil && a.Port == nil:
		r.Network, r.Address = *a.Net, *a.Name
	case goTCP && a.Network == nil && a.String == nil && a.Name == nil && a.Net == nil:
		return r.withTCP(*a.IP, *a.Port, a.Zone)
	default:
		return r, badAddr(string(in.Addr), "one spelling of an address", errSpelling)
	}
	return r, nil
}

// withTCP joins the parts of Go's TCP address.
func (r Reattach) withTCP(ip string, port int, zone string) (Reattach, *Error) {
	host := ip
	if zone != "" {
		host += "%" + zone
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		return r, badAddr(host, "an IP address", nil)
	}
	r.Network, r.Address = NetworkTCP, net.JoinHostPort(host, strconv.Itoa(port))
	return r, nil
}

// addrFault says in JSON's words what has the wrong type.
func addrFault(err error) error {
	kind, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return err
	case kind.Field == "":
		return errors.New("a JSON " + kind.Value)
	}
	return errors.New(kind.Field + " is a JSON " + kind.Value + ", not " + jsonKind(kind.Type.Kind()))
}

func badMember(name, found, expected string) *Error {
	return &Error{Reason: ReasonReattachValue, Field: name, Found: shorten(found, maxFound), Expected: expected}
}

func badAddr(found, expected string, err error) *Error {
	return &Error{
		Reason: ReasonReattachAddress, Field: "Addr", Found: shorten(found, maxFound), Expected: expected, Err: err,
	}
}

// looksLikeProviders reports whether a configuration is a map of them.
func looksLikeProviders(data []byte) bool {
	var raw map[string]struct{ Addr json.RawMessage }
	if json.Unmarshal(data, &raw) != nil {
		return false
	}
	for name, entry := range raw {
		if strings.Contains(name, "/") && len(entry.Addr) > 0 {
			return true
		}
	}
	return false
}

// encode writes compact JSON in which paths stay readable.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, badMember("configuration", err.Error(), "values that JSON can carry")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
