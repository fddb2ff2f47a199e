package certs

import (
	"crypto/x509"
	"net"
	"net/mail"
	"net/url"
	"strings"
)

// Names are subject alternative names by their type.
type Names struct {
	DNS   []string
	IP    []net.IP
	Email []string
	URI   []*url.URL
}

// ParseNames sorts alternative names by what they look like: an IP address, a
// URI with a scheme and "//" or an opaque one such as "urn:…", an e-mail
// address, or else a DNS name, which may begin with "*.". A "dns:", "ip:",
// "email:" or "uri:" in front settles the type, and is dropped. Repeated ones
// count once. It fails with [ReasonName].
func ParseNames(given ...string) (Names, error) {
	var names Names
	seen := make(map[string]bool)
	for _, name := range given {
		name = strings.TrimSpace(name)
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := names.add(name); err != nil {
			return Names{}, err
		}
	}
	return names, nil
}

// add puts one name where it belongs.
func (n *Names) add(name string) error {
	kind, bare, found := strings.Cut(name, ":")
	kind = strings.ToLower(kind)
	if !found || kind != "dns" && kind != "ip" && kind != "email" && kind != "uri" {
		kind, bare = kindOf(name), name
	}
	fault := &Error{Reason: ReasonName, Found: shorten(name)}
	switch kind {
	case "ip":
		ip := net.ParseIP(strings.Trim(bare, "[]"))
		if fault.Expected = "an IP address"; ip == nil {
			return fault
		}
		n.IP = append(n.IP, ip)
	case "email":
		address, err := mail.ParseAddress(bare)
		if fault.Expected, fault.Err = "an e-mail address", err; err != nil || address.Address != bare || !isASCII(bare) {
			return fault
		}
		n.Email = append(n.Email, bare)
	case "uri":
		uri, err := url.Parse(bare)
		if fault.Expected, fault.Err = "a URI with a scheme", err; err != nil || uri.Scheme == "" || !isASCII(bare) {
			return fault
		}
		n.URI = append(n.URI, uri)
	default:
		if fault.Expected = "a DNS name in ASCII"; !isDNS(bare) {
			return fault
		}
		n.DNS = append(n.DNS, bare)
	}
	return nil
}

// kindOf guesses.
func kindOf(name string) string {
	switch {
	case net.ParseIP(strings.Trim(name, "[]")) != nil:
		return "ip"
	case strings.Contains(name, "://"), strings.HasPrefix(name, "urn:"):
		return "uri"
	case strings.Contains(name, "@"):
		return "email"
	default:
		return "dns"
	}
}

// isDNS says whether a name can be asked for: labels of letters, digits, "-" and
// "_", of which the first may be "*".
func isDNS(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if i == 0 && label == "*" && len(labels) > 1 {
			continue
		}
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
			if !letter {
				return false
			}
		}
	}
	return true
}

func isASCII(s string) bool {
	for _, r := range s {
		if r > 126 || r < 32 {
			return false
		}
	}
	return true
}

func (n Names) empty() bool { return len(n.DNS)+len(n.IP)+len(n.Email)+len(n.URI) == 0 }

// strings lists the names as they are shown.
func (n Names) strings() []string {
	all := append([]string{}, n.DNS...)
	for _, ip := range n.IP {
		all = append(all, ip.String())
	}
	all = append(all, n.Email...)
	for _, uri := range n.URI {
		all = append(all, uri.String())
	}
	return all
}

func namesOf(c *x509.Certificate) Names {
	return Names{DNS: c.DNSNames, IP: c.IPAddresses, Email: c.EmailAddresses, URI: c.URIs}
}
