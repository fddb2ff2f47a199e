package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
)

// ServerTLS returns the configuration for accepting connections from peer and
// nobody else. The peer's certificate is asked for, verified with itself as the
// only root, and compared byte by byte, also when a session is resumed. TLS is
// 1.2 or later, ALPN offers "h2", which gRPC insists on. A nil peer makes a
// configuration that refuses everybody. The result is new each time and belongs
// to the caller.
//
// Sessions are resumed among all listeners that use the same result or a clone
// of it, by a key that is never stored: a brokered connection then costs a
// fraction of the first one.
func (p *Pair) ServerTLS(peer *x509.Certificate) *tls.Config {
	config := p.mutualTLS(peer)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.ClientCAs = rootOf(peer)
	// Set here, as a clone that makes its own knows no other's sessions.
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	config.SetSessionTicketKeys([][32]byte{key})
	return config
}

// sessions is how many sessions a client keeps: they all go by the one name.
const sessions = 1

// ClientTLS returns the configuration for connecting to peer and nobody else,
// showing the pair's own certificate. The peer is verified as in
// [Pair.ServerTLS], and has to go by the name "localhost", whatever its address.
// Connections that use the same result or a clone of it resume the session of
// an earlier one, if the peer knows it.
func (p *Pair) ClientTLS(peer *x509.Certificate) *tls.Config {
	config := p.mutualTLS(peer)
	config.RootCAs = rootOf(peer)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	return config
}

// mutualTLS returns what both roles have in common. The key exchange is without
// the post-quantum hybrids of crypto/tls, which cost more than all the rest: what
// passes between two processes of one machine is not worth recording. P-521 has
// to be among the curves for TLS 1.2, which picks certificates by them.
func (p *Pair) mutualTLS(peer *x509.Certificate) *tls.Config {
	return &tls.Config{
		Certificates:     []tls.Certificate{p.identity()},
		ServerName:       host,
		MinVersion:       tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		NextProtos:       []string{"h2"},
		VerifyConnection: func(state tls.ConnectionState) error {
			return checkPeer(state, peer)
		},
	}
}

// rootOf returns a pool of the one certificate, or of none. It is never nil,
// which would stand for the authorities of the system.
func rootOf(peer *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	if peer != nil {
		pool.AddCert(peer)
	}
	return pool
}

// checkPeer holds the certificate of a connection against the one expected.
// Being signed by it is not enough: that certificate is an authority.
func checkPeer(state tls.ConnectionState, peer *x509.Certificate) error {
	if peer == nil {
		return &Error{Reason: ReasonNoPeer, Expected: "one that was announced before"}
	}
	if len(state.PeerCertificates) == 0 {
		return &Error{Reason: ReasonNoPeer, Expected: fingerprint(peer)}
	}
	leaf := state.PeerCertificates[0]
	if subtle.ConstantTimeCompare(leaf.Raw, peer.Raw) != 1 {
		return &Error{Reason: ReasonPeer, Found: fingerprint(leaf), Expected: fingerprint(peer)}
	}
	return nil
}

// fingerprint names a certificate in an error.
func fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Explain returns the reason behind an error of a TLS connection, as an *Error
// that wraps it: [ReasonPeer], [ReasonUnusable], [ReasonNotTLS] or
// [ReasonRefused]. An error that has an *Error in it already, or is none of
// these, is returned as it is; so is nil. With TLS 1.3 a client learns only from
// its first read that the server has refused it.
func Explain(err error) error {
	var (
		own       *Error
		verifying *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		operation *net.OpError
	)
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case errors.As(err, &verifying):
		return explainVerification(verifying, err)
	case errors.As(err, &record):
		return &Error{Reason: ReasonNotTLS, Err: err}
	case errors.As(err, &operation) && operation.Op == "remote error":
		// crypto/tls gives an alert of the peer this operation.
		return &Error{Reason: ReasonRefused, Err: err}
	default:
		return err
	}
}

// explainVerification tells another certificate from one that is not valid.
func explainVerification(verifying *tls.CertificateVerificationError, err error) error {
	found := ""
	if len(verifying.UnverifiedCertificates) > 0 {
		found = fingerprint(verifying.UnverifiedCertificates[0])
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(verifying.Err, &unknown) {
		return &Error{Reason: ReasonPeer, Found: found, Expected: "the announced one", Err: err}
	}
	return &Error{Reason: ReasonUnusable, Found: found, Err: err}
}
