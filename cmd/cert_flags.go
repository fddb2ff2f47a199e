package cmd

import (
	"crypto"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// keyFlags say which key a certificate is for.
type keyFlags struct {
	Ecdsa   bool   `xor:"kind" help:"ECDSA; the default."`
	Rsa     bool   `xor:"kind" help:"RSA."`
	Ed25519 bool   `name:"ed25519" xor:"kind" help:"Ed25519, which gRPC in Python, Node and C++ does not take."`
	Kty     string `xor:"kind" placeholder:"EC|RSA|OKP" help:"Kind of the key as in JSON Web Keys: EC, RSA or OKP."`
	Crv     string `placeholder:"CURVE" help:"Curve: P-256 (default), P-384, P-521; Ed25519 with OKP."`
	Size    int    `placeholder:"BITS" help:"Size of an RSA key: 2048, 3072 (default) or 4096."`
	Key     string `xor:"kind,made" placeholder:"FILE" help:"Take this key and make none; --password-file decrypts it."`
}

// kind is the kind of a new key.
func (f keyFlags) kind() (certs.KeyKind, error) {
	kty, given := strings.ToUpper(f.Kty), "--kty "+f.Kty
	switch {
	case f.Rsa:
		kty, given = "RSA", "--rsa"
	case f.Ed25519:
		kty, given = "OKP", "--ed25519"
	case f.Ecdsa, f.Kty == "":
		kty, given = "EC", "--ecdsa"
	}
	switch kty {
	case "EC", "RSA", "OKP":
	default:
		return "", usagef("", "--kty is %q, expected \"EC\", \"RSA\" or \"OKP\"", f.Kty)
	}
	switch {
	case f.Size != 0 && kty != "RSA":
		return "", usagef("--crv names a curve", "--size goes with RSA, not with %s", given)
	case f.Crv != "" && kty == "RSA":
		return "", usagef("--size is the number of bits", "--crv goes with curves, not with %s", given)
	case f.Size != 0:
		kind, err := certs.ParseKeyKind(fmt.Sprintf("rsa-%d", f.Size))
		return kind, flagError("--size", err)
	case kty == "RSA":
		return certs.KeyRSA3072, nil
	}
	kind, err := certs.ParseKeyKind(f.Crv)
	switch {
	case err != nil:
		return "", flagError("--crv", err)
	case kty == "OKP" && f.Crv == "":
		return certs.KeyEd25519, nil
	case strings.HasPrefix(string(kind), "rsa"), (kty == "OKP") != (kind == certs.KeyEd25519):
		return "", usagef("EC has P-256, P-384 and P-521; OKP has Ed25519", "--crv is %q, which does not go with %s", f.Crv, given)
	default:
		return kind, nil
	}
}

// keep refuses to write over the key that is taken.
func (f keyFlags) keep(out string) error {
	key, err := os.Stat(f.Key)
	if err != nil {
		return nil // there is none, or whoever reads it will say
	}
	if there, err := os.Stat(out); err == nil && os.SameFile(key, there) {
		return usagef("", "%q is the key: choose another file to write", out)
	}
	return nil
}

// signer reads the key, or makes one.
func (f keyFlags) signer(secret []byte) (crypto.Signer, error) {
	kind, err := f.kind()
	if err != nil {
		return nil, err
	}
	if f.Key != "" {
		return certs.ReadKey(f.Key, secret)
	}
	return certs.NewKey(kind)
}

// nameFlags are who a certificate is for.
type nameFlags struct {
	Name         string   `placeholder:"NAME" help:"Common name; default: the first alternative name."`
	Organization []string `sep:"none" placeholder:"NAME" help:"Organization; may be given again."`
	San          []string `sep:"none" placeholder:"NAME" help:"Subject alternative name: DNS name, IP address, e-mail address or URI; may be given again. Default: localhost, the name that go-plugin asks for."`
}

func (f nameFlags) spec() (certs.Spec, error) {
	_, err := certs.ParseNames(f.San...)
	return certs.Spec{CommonName: f.Name, Organization: f.Organization, Names: f.San}, flagError("--san", err)
}

// termFlags are what a certificate is for, and how long.
type termFlags struct {
	Use       string `enum:"both,server,client" default:"both" help:"What a leaf is for; a plugin or a host with a broker needs both."`
	NotBefore string `placeholder:"TIME" help:"Beginning: RFC 3339, a day, or a duration from now; default: thirty seconds ago."`
	NotAfter  string `placeholder:"TIME" help:"End: RFC 3339, a day, or a duration such as 30d, 1y or 8760h. Default: thirty years for go-plugin, ten for a root, five for an intermediate, else one; and no later than the CA's."`
}

// apply adds the flags to a spec.
func (f termFlags) apply(spec *certs.Spec, profile string) (err error) {
	if spec.Profile, err = f.profile(profile); err != nil {
		return err
	}
	now := time.Now()
	if f.NotBefore != "" {
		if spec.NotBefore, err = certs.ParseInstant(f.NotBefore, now); err != nil {
			return flagError("--not-before", err)
		}
	}
	if f.NotAfter == "" {
		return nil
	}
	if lifetime, err := certs.ParseLifetime(f.NotAfter); err == nil {
		spec.Lifetime = lifetime
		return nil
	}
	spec.NotAfter, err = certs.ParseInstant(f.NotAfter, now)
	return flagError("--not-after", err)
}

// profile is the library's.
func (f termFlags) profile(name string) (certs.Profile, error) {
	if name != "leaf" && f.Use != "both" {
		return "", usagef("--profile leaf, with the --ca that signs it", "--use is %q, which goes with leaf certificates alone", f.Use)
	}
	switch name {
	case "root-ca":
		return certs.ProfileRoot, nil
	case "intermediate-ca":
		return certs.ProfileIntermediate, nil
	case "leaf":
		return map[string]certs.Profile{"server": certs.ProfileServer, "client": certs.ProfileClient, "both": certs.ProfilePeer}[f.Use], nil
	case "go-plugin", "self-signed":
		return certs.Profile(name), nil
	default:
		return "", usagef("leaf goes with --use server, client or both", "--profile is %q, expected \"go-plugin\", \"leaf\", \"root-ca\", \"intermediate-ca\" or \"self-signed\"", name)
	}
}

// issuerFlags are who signs.
type issuerFlags struct {
	CA             string `name:"ca" placeholder:"FILE" help:"Certificate of the authority that signs, with what leads to its root."`
	CAKey          string `name:"ca-key" placeholder:"FILE" help:"Its key."`
	CAPasswordFile string `name:"ca-password-file" placeholder:"FILE" help:"File whose first line is the password of that key."`
}

// issuer reads the authority, nil without one.
func (f issuerFlags) issuer() (*certs.Identity, error) {
	if f.CA == "" && f.CAKey == "" {
		return nil, nil //nolint:nilnil // what is made signs itself
	}
	if f.CA == "" || f.CAKey == "" {
		return nil, usagef("a certificate is signed with the key of its authority", "--ca and --ca-key go together")
	}
	secret, err := password("--ca-password-file", f.CAPasswordFile)
	if err != nil {
		return nil, err
	}
	return certs.ReadIdentity(f.CA, f.CAKey, secret)
}
