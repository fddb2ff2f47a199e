package cmd

import (
	"errors"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certCommand is about keys and certificates in files.
type certCommand struct {
	Gen          certGenCommand         `cmd:"" help:"Make a key and a certificate."`
	Csr          certCsrCommand         `cmd:"" help:"Make a key and a request for a certificate."`
	Sign         certSignCommand        `cmd:"" help:"Make the certificate that a request asks for."`
	Inspect      certInspectCommand     `cmd:"" help:"Show what is in certificates, of files, handshake lines and servers."`
	Verify       certVerifyCommand      `cmd:"" help:"Say whether a certificate stands up to a check."`
	Fingerprint  certFingerprintCommand `cmd:"" help:"Print the fingerprint of a certificate."`
	NeedsRenewal certRenewalCommand     `cmd:"" help:"Say by the exit status whether a certificate is to be renewed."`
	P12          certP12Command         `cmd:"" name:"p12" help:"Make and read PKCS #12."`
	Env          certEnvCommand         `cmd:"" help:"Print a certificate as a host and as a plugin pass it on."`
	Doctor       certDoctorCommand      `cmd:"" help:"Say why a certificate fails between host and plugin, and what to do."`
}

// certGrammar is its place on the command line.
type certGrammar struct {
	Cert certCommand `cmd:"" help:"Make, read, verify and diagnose certificates."`
}

// errNotDue is a certificate that need not be renewed: an answer, not a failure.
var errNotDue = errors.New("not to be renewed yet")

// settingsOf is the environment in which the flags of a command are looked for.
// Those of cert and pack are not there, but for the ones that every command has:
// RPCPLUGIN_KEY and RPCPLUGIN_CA are connect's, and must not end in a certificate,
// nor RPCPLUGIN_EXEC, which is serve's, in a package.
func settingsOf(command string, lookup func(string) (string, bool)) func(string) (string, bool) {
	if command != "cert" && command != "pack" {
		return lookup
	}
	return func(name string) (string, bool) {
		switch name {
		case "RPCPLUGIN_COLOR", "RPCPLUGIN_LOG_LEVEL", "RPCPLUGIN_LOG_FORMAT":
			return lookup(name)
		default:
			return "", false
		}
	}
}

// flagError is an error of the library about the value of a flag.
func flagError(flag string, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: fmt.Errorf("%s: %w", flag, err)}
}

// tlsError is a server that does not do TLS, or a certificate that will fail.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// isCertificates says whether an error is about TLS or a certificate, whoever
// found it.
func isCertificates(err error) bool {
	var (
		own    *tlsError
		ofPair *pki.Error
		ofFile *pki.FileError
		made   *certs.Error
	)
	return errors.As(err, &own) || errors.As(err, &ofPair) || errors.As(err, &ofFile) || errors.As(err, &made)
}

// certificateCode is its exit code: that of usage if another command line would
// do, with the same files.
func certificateCode(err error) int {
	var made *certs.Error
	if !errors.As(err, &made) {
		return exitTLS
	}
	switch made.Reason {
	case certs.ReasonUnset, certs.ReasonExists, certs.ReasonProfile, certs.ReasonValidity, certs.ReasonName, certs.ReasonFormat:
		return exitUsage
	default:
		return exitTLS
	}
}

// password reads the one of a flag, if it is set.
func password(flag, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	secret, err := certs.ReadPassword(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return secret, nil
}
