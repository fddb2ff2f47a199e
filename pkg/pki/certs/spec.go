package certs

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// A Profile says what a certificate is for, and so its usages.
type Profile string

// The profiles.
const (
	// ProfileGoPlugin is the certificate that go-plugin makes for AutoMTLS (see
	// the go-plugin contract, section 3): common name and alternative name
	// "localhost", its own authority, for servers and clients, valid for thirty
	// years.
	ProfileGoPlugin Profile = "go-plugin"
	// ProfileServer is a leaf for a TLS server: a plugin that brokers nothing.
	ProfileServer Profile = "server"
	// ProfileClient is a leaf for a TLS client: a host that brokers nothing.
	ProfileClient Profile = "client"
	// ProfilePeer is a leaf for both, which the broker of go-plugin needs.
	ProfilePeer Profile = "peer"
	// ProfileRoot is an authority that signs itself.
	ProfileRoot Profile = "root"
	// ProfileIntermediate is an authority that another one signs.
	ProfileIntermediate Profile = "intermediate"
	// ProfileSelfSigned is for both, signed with its own key, and no authority.
	ProfileSelfSigned Profile = "self-signed"
)

// Profiles returns all of them.
func Profiles() []Profile {
	return []Profile{
		ProfileGoPlugin, ProfileServer, ProfileClient, ProfilePeer,
		ProfileRoot, ProfileIntermediate, ProfileSelfSigned,
	}
}

const (
	localhost = "localhost"
	// backdate lets a peer's clock be a little behind.
	backdate = 30 * time.Second
	// pluginLifetime is go-plugin's.
	pluginLifetime = 262980 * time.Hour
)

// A Spec says what to make. Only Profile is needed.
type Spec struct {
	// Profile is what the certificate is for. It is needed but for [NewRequest].
	Profile Profile
	// Key is the kind of the new key, for [New]; P-256 by default.
	Key KeyKind
	// CommonName and Organization are the subject. By default the common name is
	// the first alternative name, and for authorities "rpcplugin root" or
	// "rpcplugin intermediate".
	CommonName   string
	Organization []string
	// Names are the alternative names, as [ParseNames] takes them. By default it
	// is "localhost", and none for authorities.
	Names []string
	// NotBefore is thirty seconds ago by default. NotAfter wins over Lifetime,
	// which counts from NotBefore if that is set and else from now, and is one year for leaves, five for intermediates,
	// ten for roots and go-plugin's thirty by default. X.509 knows whole seconds.
	NotBefore, NotAfter time.Time
	Lifetime            time.Duration
	// MaxPath is how many intermediates may follow an authority, nil for no limit
	// with roots and for 0 with intermediates.
	MaxPath *int
}

// selfSigned says whether certificates of the profile are signed with their own
// key.
func (p Profile) selfSigned() bool {
	return p == ProfileGoPlugin || p == ProfileRoot || p == ProfileSelfSigned
}

func (p Profile) authority() bool { return p == ProfileRoot || p == ProfileIntermediate }

// lifetime is the default.
func (p Profile) lifetime() time.Duration {
	switch p {
	case ProfileGoPlugin:
		return pluginLifetime
	case ProfileRoot:
		return 10 * year
	case ProfileIntermediate:
		return 5 * year
	default:
		return year
	}
}

// usages sets what the profile is for. Key encipherment and agreement are what
// go-plugin's have, too; they do no harm to keys that cannot.
func (p Profile) usages(c *x509.Certificate) error {
	const leaf = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	c.BasicConstraintsValid = true
	switch p {
	case ProfileGoPlugin:
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, leaf|x509.KeyUsageCertSign, []x509.ExtKeyUsage{client, server}
	case ProfileServer:
		c.KeyUsage, c.ExtKeyUsage = leaf, []x509.ExtKeyUsage{server}
	case ProfileClient:
		c.KeyUsage, c.ExtKeyUsage = leaf, []x509.ExtKeyUsage{client}
	case ProfilePeer, ProfileSelfSigned:
		c.KeyUsage, c.ExtKeyUsage = leaf, []x509.ExtKeyUsage{client, server}
	case ProfileRoot, ProfileIntermediate:
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign|x509.KeyUsageDigitalSignature
	default:
		return &Error{Reason: ReasonProfile, Found: shorten(string(p)), Expected: expectedProfiles()}
	}
	return nil
}

func expectedProfiles() string {
	text := "one of"
	for i, profile := range Profiles() {
		if i > 0 {
			text += ","
		}
		text += " " + string(profile)
	}
	return text
}

// template is the certificate to be signed.
func (s Spec) template(now time.Time) (*x509.Certificate, error) {
	c := &x509.Certificate{}
	if err := s.Profile.usages(c); err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	c.Subject = s.subject(names)
	c.DNSNames, c.IPAddresses, c.EmailAddresses, c.URIs = names.DNS, names.IP, names.Email, names.URI
	if err := s.setValidity(c, now); err != nil {
		return nil, err
	}
	if err := s.setPath(c); err != nil {
		return nil, err
	}
	c.SerialNumber, err = newSerial()
	return c, err
}

func (s Spec) names() (Names, error) {
	if len(s.Names) == 0 && !s.Profile.authority() {
		return Names{DNS: []string{localhost}}, nil
	}
	return ParseNames(s.Names...)
}

func (s Spec) subject(names Names) pkix.Name {
	subject := pkix.Name{CommonName: s.CommonName, Organization: s.Organization}
	all := names.strings()
	switch {
	case s.CommonName != "":
	case s.Profile.authority():
		subject.CommonName = "rpcplugin " + string(s.Profile)
	case len(all) > 0 && len(all[0]) <= 64: // what X.520 allows
		subject.CommonName = all[0]
	}
	return subject
}

func (s Spec) setValidity(c *x509.Certificate, now time.Time) error {
	from := now
	c.NotBefore, c.NotAfter = s.NotBefore, s.NotAfter
	if c.NotBefore.IsZero() {
		c.NotBefore = now.Add(-backdate)
	} else {
		from = c.NotBefore
	}
	if c.NotAfter.IsZero() {
		lifetime := s.Lifetime
		if lifetime == 0 {
			lifetime = s.Profile.lifetime()
		}
		c.NotAfter = from.Add(lifetime)
	}
	if !c.NotAfter.After(c.NotBefore) || c.NotAfter.Year() > 9999 || s.Lifetime < 0 {
		return &Error{
			Reason: ReasonValidity, Found: stamp(c.NotBefore) + " to " + stamp(c.NotAfter),
			Expected: "an end after the beginning, and before the year 10000",
		}
	}
	return nil
}

func (s Spec) setPath(c *x509.Certificate) error {
	switch {
	case !s.Profile.authority():
		if s.MaxPath != nil {
			return &Error{Reason: ReasonProfile, Found: string(s.Profile), Expected: "a root or an intermediate, as a path length is given"}
		}
	case s.MaxPath != nil:
		if *s.MaxPath < 0 {
			return &Error{Reason: ReasonProfile, Expected: "a path length of 0 or more"}
		}
		c.MaxPathLen, c.MaxPathLenZero = *s.MaxPath, *s.MaxPath == 0
	case s.Profile == ProfileIntermediate:
		c.MaxPathLenZero = true
	default:
		c.MaxPathLen = -1
	}
	return nil
}

// newSerial returns a random number of 128 bits, as go-plugin's.
func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	return serial.Add(serial, big.NewInt(1)), nil // X.509 wants it positive
}

// stamp is an instant as messages show it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
